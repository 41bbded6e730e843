//! Inputs to begin with: what a recorder writes. They follow every change of the
//! format, so a fuzzer never has to find the format by chance.

use crate::anchors;
use crate::envelopes::signed;
use crate::extensions::one_of_each;
use crate::fixture::{Fixture, Plan};
use crate::model::{mix, tensor_file};
use crate::oracle;
use crate::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign, touch_sign};
use crate::tokens;
use pow_audit::envelope::Form;
use pow_audit::receipt::make_receipt;
use pow_audit::replay::{Commitment, Salt};
use pow_core::coinbase::{Coinbase, ExtraNonce, Height};
use pow_core::hash::BodyCommitment;
use pow_ledger::RunDir;
use std::path::Path;

/// A declaration.
const PLAN: &str =
    "burn-pow/declaration/v1\nseeds 7 8\nsteps 6\nruns 2\nmetric loss\nstopping soon\n";

/// One input and the [property](super::ALL) it is for.
pub struct Seed {
    /// Name of the property.
    pub property: &'static str,
    /// The input.
    pub bytes: Vec<u8>,
}

/// All of them: well-formed, so that the property goes all the way, and JSON
/// that some readers take, which chance would hardly find.
pub fn seeds() -> Vec<Seed> {
    let file = Fixture::record(&Plan {
        zero_bits: 1,
        final_zero_bits: 2,
        ..Plan::default()
    });
    let file = file.file();
    let mut seeds = Vec::new();
    let mut seed = |property, parts: &[&[u8]]| {
        let bytes = parts.concat();
        seeds.push(Seed { property, bytes });
    };

    // A genesis with an extension of each type.
    let all = one_of_each().map(|known| known.to_extension());
    let with_all = Fixture::record_with(
        &Plan {
            zero_bits: 1,
            ..Plan::default()
        },
        |genesis| genesis.extensions = all.into(),
        |_| {},
    );
    seed("body", &[&with_all.file().records[0].body]);

    // Everything is made to fit; nothing is.
    for settings in [0, 0x1f] {
        seed("chain_file", &[&[settings], &file.to_bytes()]);
    }
    for (settings, from) in [(0, 16), (0x33, 0)] {
        let mut short = file.clone();
        for (record, len) in short.records.iter_mut().zip([0, 3, 9, 1, 0, 5, 2]) {
            record.block.truncate(len);
            record.body.truncate(2 * len);
        }
        seed("record", &[&[settings], &short.to_bytes()[from..]]);
    }
    // What a power cut leaves: zeros from a sector or from a record on.
    for written in [1024, file.boundaries()[3]] {
        seed(
            "record",
            &[&[0x32], &file.to_bytes()[16..written], &[0; 600]],
        );
    }
    for record in &file.records {
        seed("body", &[&record.body]);
        seed("block", &[&record.block]);
        seed("header", &[&record.block[..80]]);
    }
    let headers: Vec<u8> = file
        .records
        .iter()
        .flat_map(|record| record.block[..80].to_vec())
        .collect();
    for settings in [[0xff, 0], [5, 0xff], [70, 2], [99, 8]] {
        seed("headers", &[&settings, &headers.repeat(11)]);
    }
    for payload in super::envelope::payloads() {
        seed("envelope", &[&payload.to_sign()]);
        for form in [Form::Envelope, Form::Bundle] {
            seed("envelope", &[signed(1, &payload, form).as_bytes()]);
        }
    }
    for statement in super::signature::statements() {
        let text = statement.to_string();
        let (security_key, touched) = touch_sign(1, statement.namespace(), &text, true);
        for part in [
            &text,
            &ssh_sign(1, statement.namespace(), &text),
            &minisign_sign(1, &text),
            &touched,
            &security_key,
        ] {
            seed("signature", &[part.as_bytes()]);
        }
    }
    let allowed = format!("\"a b\",c namespaces=\"git,!x*\" {} words\n", ssh_public(1));
    let keys = format!("# keys\n{}\n{}\n", ssh_public(1), minisign_public(1));
    seed("signature", &[allowed.as_bytes()]);
    seed("signature", &[keys.as_bytes()]);
    let digest = [7; 32];
    let (complete, pending) = (anchors::complete(digest, 9), anchors::pending(digest));
    let body = anchors::OTS_HEAD.len() + digest.len();
    seed("ots", &[&complete]);
    seed("ots", &[&pending]);
    seed(
        "ots",
        &[
            &complete[..body],
            &[0xff],
            &complete[body..],
            &[0xf1, 1, 5],
            &pending[body..],
        ],
    );
    let run = RunDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1/plain/run"));
    let made = make_receipt(&run, &mut |_| {}).unwrap().receipt;
    let plain = made.to_bytes();
    seed("receipt", &[&plain]);
    for text in [
        PLAN,
        &Commitment([5; 32]).to_string(),
        &Salt([6; 32]).to_text(),
    ] {
        seed("signature", &[text.as_bytes()]);
    }
    let part = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat();
    let statement = super::signature::statements()[1];
    let text = statement.to_string();
    let signed = ssh_sign(1, statement.namespace(), &text);
    let declared = ssh_sign(1, "burn-pow/declaration/v1", PLAN);
    // Compressed by zlib: `{}`.
    let report = [0x78, 0x9c, 0xab, 0xae, 0x05, 0x00, 0x01, 0x75, 0x00, 0xf9];
    for (kind, content) in [
        (
            16,
            [part(text.as_bytes()), part(signed.as_bytes())].concat(),
        ),
        (
            17,
            [part(PLAN.as_bytes()), part(declared.as_bytes())].concat(),
        ),
        (18, [part(&report), part(signed.as_bytes())].concat()),
    ] {
        seed("receipt", &[&plain, &[kind, 0], &part(&content)]);
    }
    for (_, token) in tokens::TOKENS {
        let len = (token.len() as u32).to_le_bytes();
        seed("receipt", &[&plain, &[5, 0], &len, token]);
        seed("tsr", &[token]);
    }
    for height in [0, 16, 17, 128, 32_768, 8_388_608, (1 << 31) - 1] {
        let coinbase = Coinbase {
            height: Height::new(height).unwrap(),
            extranonce: ExtraNonce::new(*b"pool", 77),
            commitment: BodyCommitment([9; 32]),
        };
        seed("coinbase", &[&coinbase.to_bytes()]);
        let header = &file.records[0].block[..80];
        seed("block", &[header, &[1], &coinbase.to_bytes()]);
    }
    for bits in [
        0x207f_ffffu32,
        0x1d00_ffff,
        0x0212_0000,
        0x0100_8000,
        0x2100_ffff,
    ] {
        let progress = [600u64, 172_800, 1_200_000, 0, 2000, 9].map(u64::to_le_bytes);
        let target = oracle::tagged("chunk", &bits.to_le_bytes());
        seed(
            "compact",
            &[&bits.to_le_bytes(), &target, &progress.concat()],
        );
    }
    for chain in 0..6 {
        let bytes: Vec<u8> = (0..600)
            .map(|i| (mix(chain << 32 | i) >> 32) as u8)
            .collect();
        seed("steps", &[&bytes]);
    }
    for proof in super::proof::seeds() {
        seed("proof", &[proof.as_bytes()]);
    }
    for report in super::report::seeds() {
        seed("report", &[report.as_bytes()]);
    }
    let [model, optimizer] = [MODEL, OPTIMIZER].map(|(header, data)| tensor_file(header, data));
    for file in [&model, &optimizer, &tensor_file("{}", &[])] {
        seed("tensors", &[file]);
    }
    for header in DOUBTFUL {
        seed("tensors", &[&tensor_file(header, &[7])]);
    }
    for state in [STATE, STATE_AS_ARRAY] {
        let lens = [state.len(), model.len()].map(|len| (len as u16).to_le_bytes());
        seed("checkpoint", &[&lens.concat(), state, &model, &optimizer]);
    }
    let draft = tensor_file(DRAFT.0, DRAFT.1);
    for file in [&model, &draft, &tensor_file("{}", &[])] {
        seed("published", &[&[0xff; 4], file]);
    }
    for header in DOUBTFUL.iter().chain(&DOUBTFUL_DRAFT) {
        seed("published", &[&[0xff; 4], &tensor_file(header, &[7])]);
    }
    let whole = format!("{{\"metadata\":{{\"total_size\":21}},\"weight_map\":{MAP}}}");
    let indexes = DOUBTFUL_MAPS.map(|map| format!("{{\"weight_map\":{map}}}"));
    for index in [whole].iter().chain(&indexes) {
        let lens = [index.len(), model.len()].map(|len| (len as u16).to_le_bytes());
        let index = index.as_bytes();
        seed("published", &[&lens.concat(), index, &model, &draft]);
    }
    seeds
}

const STATE: &[u8] = br#"{"schema":"burn-pow/state/v1","step":3,"scheduler_steps":3,"seed_position":4,"cursor":18446744073709551615}"#;

const STATE_AS_ARRAY: &[u8] = br#"["burn-pow/state/v1",3,3,4,5]"#;

/// Headers for one byte of data that only some readers take.
const DOUBTFUL: [&str; 4] = [
    r#"{"w":["U8",[],[0,1]]}"#,
    r#"{"w":{"dtype":"U8","shape":[],"data_offsets":[0,1],"strides":[]}}"#,
    r#"{"w":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"w":{"dtype":"I8","shape":[],"data_offsets":[0,1]}}"#,
    r#"{"w":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"e":{"dtype":"F64","shape":[2305843009213693952,0],"data_offsets":[1,1]}}"#,
];

const MODEL: (&str, &[u8]) = (
    r#"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]},"e":{"dtype":"F64","shape":[0,7],"data_offsets":[9,9]}}  "#,
    &[0, 0, 0x80, 0x3f, 0, 0, 0, 0x80, 1],
);
/// Types of the draft, and one of version 1 beside them.
const DRAFT: (&str, &[u8]) = (
    r#"{"f4":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]},"f6":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[3,6]},"c":{"dtype":"C64","shape":[],"data_offsets":[7,15]},"u":{"dtype":"U8","shape":[1],"data_offsets":[6,7]}}"#,
    &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
);

/// As [`DOUBTFUL`], with types of the draft: a part of a byte, and too many bits.
const DOUBTFUL_DRAFT: [&str; 2] = [
    r#"{"w":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#,
    r#"{"w":{"dtype":"F8_E8M0","shape":[1],"data_offsets":[0,1]},"e":{"dtype":"C64","shape":[288230376151711744,0],"data_offsets":[1,1]}}"#,
];

/// The `weight_map` of the model and the draft as two files.
const MAP: &str = r#"{"w":"a.safetensors","b":"a.safetensors","e":"a.safetensors","f4":"b.safetensors","f6":"b.safetensors","c":"b.safetensors","u":"b.safetensors"}"#;

/// Maps that only some readers take.
const DOUBTFUL_MAPS: [&str; 4] = [
    r#"{"w":"a.safetensors","b":"a.safetensors"}"#,
    r#"{"w":"a.safetensors","b":"a.safetensors","e":"a.safetensors","x":"a.safetensors"}"#,
    r#"{"w":"a.safetensors","b":"a.safetensors","e":"./a.safetensors"}"#,
    r#"{"w":"a.safetensors","b":"a.safetensors","e":"a.safetensors","w":"a.safetensors"}"#,
];

const OPTIMIZER: (&str, &[u8]) = (
    r#"{"w\u0023m":{"shape":[4],"data_offsets":[0,8],"dtype":"BF16"}}"#,
    &[1, 2, 3, 4, 5, 6, 7, 8],
);
