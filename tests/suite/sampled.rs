//! Orders that a sampler chooses: what the audit says of them, with and without their
//! table, and that `scripts/order.py` says the same.

use crate::python::script;
use pow_audit::{AuditOptions, Level, LevelReport, Verdict, audit};
use pow_core::body::{Genesis, OrderRule};
use pow_core::extension::Known;
use pow_core::order::{EpochSchedule, OrderTable, SampledOrder, SampledRule, Sampler};
use pow_ledger::RunDir;
use pow_tests::fixture::{Fixture, Plan, Recorder};
use std::num::NonZeroU32;
use std::path::Path;

tests! {
    every_sampler_follows, a_forged_batch_is_named, the_table_must_be_the_runs_own,
    no_table_is_no_claim, under_another_rule_the_extension_declares_nothing;
    Python: the_script_computes_every_order, the_script_says_what_the_audit_says
}

const ITEMS: u32 = 11;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn table() -> OrderTable {
    OrderTable::new([3, 0, 1, 7, 2, 2, 9, 4, 0, 5, 6])
}

/// Each sampler, with the table that it needs.
fn samplers() -> [(Sampler, Option<OrderTable>); 4] {
    let digest = table().digest();
    let weighted = |draws| Sampler::Weighted {
        draws: number(draws),
        table: digest,
    };
    let bucketed = Sampler::Bucketed {
        window: number(2),
        table: digest,
    };
    [
        (Sampler::Uniform { draws: number(5) }, None),
        (weighted(5), Some(table())),
        (weighted(30), Some(table())),
        (bucketed, Some(table())),
    ]
}

fn rule(sampler: Sampler) -> SampledRule {
    SampledRule {
        items: number(ITEMS),
        batch: number(2),
        accumulation: number(2),
        sampler,
    }
}

/// A run of twelve steps in this order, with a forged step at the end or not.
fn recorded(sampler: Sampler, table: Option<&OrderTable>, forged: bool) -> Fixture {
    let rule = rule(sampler);
    let plan = Plan {
        planned: Some(12),
        ..Plan::default()
    };
    let edit = |edited: &mut Genesis| {
        edited.order = OrderRule::Foreign;
        edited.extensions = vec![Known::SampledOrder(rule).to_extension()];
    };
    let begun = |recorder: &mut Recorder| {
        let genesis = recorder.genesis().clone();
        let order = SampledOrder::new(genesis.dataset.unwrap(), genesis.seed, rule, table);
        let schedule = EpochSchedule::new(order.unwrap(), rule.batch, rule.accumulation);
        recorder.follow(schedule.unwrap(), table);
        let blocks = [&[0, 1][..], &[2, 3, 4], &[5, 6, 7, 8], &[9, 10]];
        match forged {
            false => recorder.finish_after(blocks.into_iter().chain([&[11, 12][..]])),
            true => {
                blocks.into_iter().for_each(|steps| recorder.steps(steps));
                recorder.forged_step(11);
            }
        }
    };
    Fixture::record_with(&plan, edit, begun)
}

fn data(run: &RunDir) -> LevelReport {
    let options = AuditOptions {
        allow_unfinished: true,
        ..AuditOptions::default()
    };
    let report = audit(run, &options, &mut |_| {}).unwrap();
    report.level(Level::Data).unwrap().clone()
}

#[track_caller]
fn says(run: &RunDir, verdict: Verdict, words: &str) {
    let data = data(run);
    assert_eq!(data.verdict, verdict, "{data:?}");
    assert!(data.lines[0].contains(words), "{data:?}");
}

fn every_sampler_follows() {
    let sources = [
        "root (5 draws an epoch, with replacement)",
        "the weights in order.table (5 draws",
        "the weights in order.table (30 draws",
        "the lengths in order.table (sorted within 2 micro-batches)",
    ];
    for ((sampler, table), source) in samplers().into_iter().zip(sources) {
        let fixture = recorded(sampler, table.as_ref(), false);
        says(&fixture.run, Verdict::Partly, "all 12 batch digests follow");
        says(&fixture.run, Verdict::Partly, source);
    }
}

fn a_forged_batch_is_named() {
    for (sampler, table) in samplers() {
        let fixture = recorded(sampler, table.as_ref(), true);
        says(&fixture.run, Verdict::Fails, "step 11 (block 5");
    }
}

type Damage = fn(&Path);

/// What can be wrong with a table, and what is said about it.
const DAMAGE: [(Damage, &str); 5] = [
    (
        |path| write(path, &OrderTable::new([1; 11]).to_bytes()),
        "but",
    ),
    (|path| write(path, &[1; 8 * 10]), "88 bytes"),
    (|path| write(path, &[1; 8 * 12]), "88 bytes"),
    (|path| write(path, &[1; 8 * 11 - 1]), "88 bytes"),
    (|path| write(path, &[]), "88 bytes"),
];

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

fn the_table_must_be_the_runs_own() {
    let [_, (sampler, table), ..] = samplers();
    for (damage, words) in DAMAGE {
        let fixture = recorded(sampler, table.as_ref(), false);
        damage(&fixture.run.order_table());
        says(&fixture.run, Verdict::Fails, words);
    }
    // Weights that give no order, although they are those of genesis.
    let fixture = recorded(sampler, table.as_ref(), false);
    let zeros = OrderTable::new([0; ITEMS as usize]);
    let sampler = Sampler::Weighted {
        draws: number(1),
        table: zeros.digest(),
    };
    let plan = Plan::default();
    let edit = |genesis: &mut Genesis| {
        genesis.order = OrderRule::Foreign;
        genesis.extensions = vec![Known::SampledOrder(rule(sampler)).to_extension()];
    };
    let weightless = Fixture::record_with(&plan, edit, |recorder| recorder.steps(&[0]));
    write(&weightless.run.order_table(), &zeros.to_bytes());
    says(&weightless.run, Verdict::Fails, "all weights are zero");
    says(&fixture.run, Verdict::Partly, "follow");
}

fn no_table_is_no_claim() {
    let [_, (sampler, table), ..] = samplers();
    let fixture = recorded(sampler, table.as_ref(), true);
    std::fs::remove_file(fixture.run.order_table()).unwrap();
    says(&fixture.run, Verdict::NotChecked, "which is not here");
    // A directory is no table, and cannot be read as one.
    std::fs::create_dir(fixture.run.order_table()).unwrap();
    says(&fixture.run, Verdict::Fails, "order.table");
}

fn under_another_rule_the_extension_declares_nothing() {
    let [(sampler, _), ..] = samplers();
    let add = |genesis: &mut Genesis| {
        genesis.extensions = vec![Known::SampledOrder(rule(sampler)).to_extension()];
    };
    let fixture = Fixture::record_with(&Plan::default(), add, |recorder| {
        recorder.finish_after([&[0, 1, 2, 3][..], &[4, 5, 6]]);
    });
    says(
        &fixture.run,
        Verdict::Partly,
        "genesis' seed and dataset root",
    );
    // Twice, it is unusable.
    let twice = |genesis: &mut Genesis| {
        genesis.order = OrderRule::Foreign;
        genesis.extensions = vec![Known::SampledOrder(rule(sampler)).to_extension(); 2];
    };
    let fixture = Fixture::record_with(&Plan::default(), twice, |recorder| recorder.steps(&[0]));
    says(
        &fixture.run,
        Verdict::NotChecked,
        "genesis has 2 extensions of this type",
    );
}

/// What the script prints, and its exit code.
fn script_says(run: &RunDir) -> (String, Option<i32>) {
    let output = script("order.py", &[run.chain()]);
    let printed = String::from_utf8(output.stdout).unwrap();
    (printed.trim_end().to_owned(), output.status.code())
}

fn the_script_computes_every_order() {
    for (sampler, table) in samplers() {
        let fixture = recorded(sampler, table.as_ref(), false);
        let follow = ("12 batch digests follow".to_owned(), Some(0));
        assert_eq!(script_says(&fixture.run), follow);
        let fixture = recorded(sampler, table.as_ref(), true);
        let forged = "does not hold: step 11 has another batch digest";
        assert_eq!(script_says(&fixture.run), (forged.to_owned(), Some(1)));
    }
    // A seeded order, and one that is bound to the chain.
    for vector in ["plain", "bound"] {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1");
        let run = RunDir::new(vectors.join(vector).join("run"));
        let said = data(&run).lines[0].clone();
        let (printed, code) = script_says(&run);
        let follow = format!("order: all {printed} from");
        assert!(said.starts_with(&follow), "{said}: {printed}");
        assert_eq!(code, Some(0));
    }
}

fn the_script_says_what_the_audit_says() {
    let [_, (sampler, table), ..] = samplers();
    for (damage, _) in DAMAGE {
        let fixture = recorded(sampler, table.as_ref(), false);
        damage(&fixture.run.order_table());
        let (printed, code) = script_says(&fixture.run);
        assert!(
            printed.starts_with("does not hold: order.table"),
            "{printed}"
        );
        assert_eq!(code, Some(1));
    }
    let fixture = recorded(sampler, table.as_ref(), false);
    std::fs::remove_file(fixture.run.order_table()).unwrap();
    let absent = ("not checked: order.table is not here".to_owned(), Some(1));
    assert_eq!(script_says(&fixture.run), absent);
}
