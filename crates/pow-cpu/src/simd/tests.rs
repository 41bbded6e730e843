//! No kernel with the SHA extensions runs with dirty upper halves of vectors.
//!
//! An instruction that writes 256 or 512 bits leaves the upper half of its
//! register dirty, until `vzeroupper`. On an Intel Xeon this made a kernel 170
//! times slower. Its results were right, and its speed on AMD, so the test reads
//! machine code.

use super::sha_ni::{messages, nonces};
use iced_x86::{
    Code, Decoder, DecoderOptions, EncodingKind, FlowControl, Instruction, InstructionInfoFactory,
    OpAccess, OpKind, Register,
};
use pow_core::tensor::CHUNK_LEN;
use std::collections::HashMap;

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "only optimised code cleans halves before calls"
)]
fn sha_instructions_run_with_clean_upper_halves() {
    let kernels = [
        ("chunks, two", messages::hash_two::<CHUNK_LEN> as *const ()),
        (
            "chunks, three",
            messages::hash_three::<CHUNK_LEN> as *const (),
        ),
        ("nodes, two", messages::hash_two::<64> as *const ()),
        ("nodes, three", messages::hash_three::<64> as *const ()),
        ("headers, two", messages::hash_two_twice as *const ()),
        ("headers, three", messages::hash_three_twice as *const ()),
        ("search, two", nonces::search_two as *const ()),
        ("search, three", nonces::search_three as *const ()),
    ];
    for (name, kernel) in kernels {
        let walk = Walk::through(kernel as u64);
        assert!(walk.rounds >= 60, "{name}: {} rounds found", walk.rounds);
        let (count, first) = (walk.dirty.len(), walk.dirty.first());
        assert_eq!(count, 0, "{name}: dirty halves at {first:?} and others");
    }
}

/// Whether the test would notice: in this function the fault is on purpose.
#[test]
fn a_dirty_upper_half_is_noticed() {
    let walk = Walk::through(dirty as *const () as u64);
    assert_eq!(walk.dirty.len(), 1, "{:?}", walk.dirty);
    assert!(walk.dirty[0].starts_with("Sha256msg1_"), "{:?}", walk.dirty);
}

/// Dirties a half in a loop, behind the instruction that then suffers.
#[unsafe(naked)]
extern "C" fn dirty() {
    core::arch::naked_asm!(
        "vzeroupper",
        "2:",
        "sha256msg1 xmm1, xmm2",
        "vpaddd zmm16, zmm17, zmm18",
        "vpaddd xmm3, xmm4, xmm5",
        "vpaddd ymm3, ymm4, ymm5",
        "dec rax",
        "jnz 2b",
        "vzeroupper",
        "sha256msg2 xmm1, xmm2",
        "ret"
    )
}

/// What was found on all paths through a function, and the functions that it
/// calls.
#[derive(Default)]
struct Walk {
    /// For each address, whether it was reached with dirty halves.
    seen: HashMap<u64, bool>,
    /// Instructions that run two rounds.
    rounds: usize,
    /// Instructions in the old encoding, on vectors, that are reached with dirty
    /// halves.
    dirty: Vec<String>,
}

impl Walk {
    fn through(entry: u64) -> Self {
        let mut walk = Walk::default();
        let mut ahead = vec![(entry, false)];
        while let Some((address, dirty)) = ahead.pop() {
            let seen = walk.seen.get(&address).copied();
            if seen.is_none_or(|before| dirty && !before) {
                walk.seen.insert(address, dirty);
                let instruction = decode(address);
                walk.look_at(&instruction, dirty, seen.is_none());
                let dirty = dirty_after(&instruction, dirty);
                ahead.extend(next(&instruction).map(|address| (address, dirty)));
            }
        }
        walk.dirty.sort();
        walk
    }

    fn look_at(&mut self, instruction: &Instruction, dirty: bool, first_time: bool) {
        if first_time && instruction.code() == Code::Sha256rnds2_xmm_xmmm128 {
            self.rounds += 1;
        }
        let old = instruction.encoding() == EncodingKind::Legacy;
        if dirty && old && registers(instruction).any(|(register, _)| register.is_xmm()) {
            let address = instruction.ip();
            self.dirty
                .push(format!("{:?} at {address:#x}", instruction.code()));
        }
    }
}

fn decode(address: u64) -> Instruction {
    // SAFETY: a function of this program is there. No instruction has more than
    // 15 bytes, and the program's code does not end behind a kernel.
    let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, 15) };
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode()
}

/// Whether the halves are dirty after an instruction. Registers from 16 on have
/// no part in it.
fn dirty_after(instruction: &Instruction, before: bool) -> bool {
    match instruction.code() {
        Code::VEX_Vzeroupper | Code::VEX_Vzeroall => false,
        _ => {
            before
                || registers(instruction).any(|(register, access)| {
                    let low = (Register::YMM0..=Register::YMM15).contains(&register)
                        || (Register::ZMM0..=Register::ZMM15).contains(&register);
                    low && access != OpAccess::Read
                })
        }
    }
}

/// The registers that an instruction names, and what it does with them.
fn registers(instruction: &Instruction) -> impl Iterator<Item = (Register, OpAccess)> {
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(instruction).clone();
    (0..instruction.op_count())
        .filter(|operand| instruction.op_kind(*operand) == OpKind::Register)
        .map(move |operand| (instruction.op_register(operand), info.op_access(operand)))
}

/// Where the program goes on: behind the instruction, at its target, or both.
fn next(instruction: &Instruction) -> impl Iterator<Item = u64> {
    let behind = instruction.next_ip();
    let target = instruction.near_branch_target();
    let (behind, target) = match instruction.flow_control() {
        FlowControl::Next => (Some(behind), None),
        FlowControl::ConditionalBranch | FlowControl::Call => (Some(behind), Some(target)),
        FlowControl::UnconditionalBranch => (None, Some(target)),
        FlowControl::IndirectCall => (Some(behind), None),
        _ => (None, None),
    };
    behind.into_iter().chain(target)
}
