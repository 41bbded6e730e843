//! Our blocks as rust-bitcoin sees them.

use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash;
use bitcoin::opcodes::all::{OP_PUSHNUM_1, OP_PUSHNUM_16, OP_RETURN};
use bitcoin::script::Instruction;
use bitcoin::{Amount, Block, Script};
use pow_core::body::Body;
use pow_core::chain::ChainVerifier;
use pow_core::coinbase::{Coinbase, ExtraNonce, Height};
use pow_core::hash::BodyCommitment;
use pow_tests::chain_file::Record;
use pow_tests::fixture::Fixture;

tests! {
    accepts_every_block, reads_the_height_of_every_class, refuses_a_tampered_block_as_we_do
}

fn records() -> Vec<Record> {
    Fixture::default().file().records
}

fn accepts_every_block() {
    let mut verifier = ChainVerifier::new(None);
    let mut prev = bitcoin::BlockHash::all_zeros();
    let records = records();
    assert_eq!(records.len(), 7);
    for (height, record) in (0..).zip(&records) {
        let ours = verifier.push(&record.block, &record.body).unwrap();
        // `deserialize` refuses trailing bytes.
        let block: Block = deserialize(&record.block).unwrap();
        assert_eq!(block.block_hash().to_byte_array(), ours.hash().0);
        assert_eq!(block.block_hash().to_string(), ours.hash().to_string());
        assert_eq!(block.header.prev_blockhash, prev);
        let work = block.header.validate_pow(block.header.target());
        assert_eq!(work, Ok(block.block_hash()));
        assert!(block.check_merkle_root());
        prev = block.block_hash();

        let [coinbase] = &block.txdata[..] else {
            panic!("{} transactions", block.txdata.len());
        };
        assert!(coinbase.is_coinbase());
        assert_eq!(coinbase_height(&coinbase.input[0].script_sig), height);
        assert_eq!(coinbase.output[0].value, Amount::ZERO);
        let commitment = Body::from_bytes(&record.body).unwrap().commitment();
        assert_eq!(op_return(&coinbase.output[0].script_pubkey), commitment.0);
    }
}

/// The height that the script of a coinbase begins with (BIP 34).
/// rust-bitcoin's own `bip34_block_height` answers an error at heights 1 to
/// 16, for any chain's blocks: Bitcoin Core pushes those with one opcode, and
/// it expects bytes. So this reads the push itself.
fn coinbase_height(script: &Script) -> i64 {
    match script.instructions_minimal().next().unwrap().unwrap() {
        Instruction::PushBytes(bytes) => bitcoin::script::read_scriptint(bytes.as_bytes()).unwrap(),
        Instruction::Op(opcode) => {
            let opcode = opcode.to_u8();
            assert!((OP_PUSHNUM_1.to_u8()..=OP_PUSHNUM_16.to_u8()).contains(&opcode));
            i64::from(opcode - OP_PUSHNUM_1.to_u8() + 1)
        }
    }
}

/// The data of an `OP_RETURN` output with exactly one push.
fn op_return(script: &Script) -> [u8; 32] {
    assert!(script.is_op_return());
    let instructions: Vec<Instruction> =
        script.instructions_minimal().map(Result::unwrap).collect();
    let [Instruction::Op(OP_RETURN), Instruction::PushBytes(data)] = instructions[..] else {
        panic!("{script}");
    };
    data.as_bytes().try_into().unwrap()
}

/// The fixture has heights 0 to 6; longer chains reach the other encodings.
fn reads_the_height_of_every_class() {
    let small = [0, 1, 16, 17, 127, 128, 255, 256];
    let large = [32_767, 32_768, 8_388_608, (1 << 31) - 1];
    for height in small.into_iter().chain(large) {
        let coinbase = Coinbase {
            height: Height::new(height).unwrap(),
            extranonce: ExtraNonce::new(*b"pool", 77),
            commitment: BodyCommitment([9; 32]),
        };
        let transaction: bitcoin::Transaction = deserialize(&coinbase.to_bytes()).unwrap();
        assert!(transaction.is_coinbase());
        assert_eq!(
            transaction.compute_txid().to_byte_array(),
            coinbase.txid().0
        );
        let script = &transaction.input[0].script_sig;
        assert_eq!(coinbase_height(script), i64::from(height));
        assert!((2..=100).contains(&script.len()));
        // Their own reading, where it has one.
        if height > 16 {
            let mut block = Block {
                header: deserialize(&[0; 80]).unwrap(),
                txdata: vec![transaction],
            };
            block.header.version = bitcoin::block::Version::TWO;
            assert_eq!(block.bip34_block_height(), Ok(height.into()));
        }
    }
}

fn refuses_a_tampered_block_as_we_do() {
    let genesis = &records()[0];
    // Version, transaction root, time and nonce in the header. A byte of the
    // commitment changes the coinbase, hence its id.
    let commitment = genesis.block.len() - 5;
    for at in [0, 40, 68, 76, 79, commitment] {
        let mut block = genesis.block.clone();
        block[at] ^= 2;
        let theirs: Block = deserialize(&block).unwrap();
        let work = theirs.header.validate_pow(theirs.header.target());
        assert!(work.is_err() || !theirs.check_merkle_root(), "byte {at}");
        assert!(at != commitment || !theirs.check_merkle_root());
        let ours = ChainVerifier::new(None)
            .push(&block, &genesis.body)
            .is_err();
        assert!(ours, "byte {at}");
    }
}
