//! The only transaction of a block: a Bitcoin coinbase. Its only output
//! contains the body commitment.
//!
//! ```text
//! 01000000                          version 1
//! 01                                one input
//! 00 × 32, ffffffff                 no previous output
//! len                               of the script, 14 to 18
//! <height push> 0c <12 bytes>       height as Bitcoin Core pushes it, extranonce
//! ffffffff                          sequence
//! 01                                one output
//! 00 × 8                            of value zero
//! 22 6a20 <32 bytes>                OP_RETURN, the body commitment
//! 00000000                          lock time
//! ```

use crate::codec::{DecodeError, DecodeErrorKind, Reader};
use crate::hash::{BodyCommitment, TxRoot, sha256d};
use alloc::vec::Vec;
use core::fmt;

/// Height of a block. Genesis has height 0. All heights are below 2^31, because
/// Bitcoin's scripts push them as signed 32-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(u32);

/// A height of 2^31 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("height {0} is not below 2^31")]
pub struct HeightError(pub u32);

impl Height {
    /// The height of a genesis block.
    pub const GENESIS: Height = Height(0);

    /// A height below 2^31.
    ///
    /// # Errors
    ///
    /// [`HeightError`] if `height` is 2^31 or more.
    pub fn new(height: u32) -> Result<Self, HeightError> {
        if height < 1 << 31 {
            Ok(Height(height))
        } else {
            Err(HeightError(height))
        }
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The height of the next block.
    ///
    /// # Errors
    ///
    /// [`HeightError`] if this is the last height, 2^31 - 1.
    pub fn next(self) -> Result<Self, HeightError> {
        Height::new(self.0 + 1)
    }

    /// `CScript << height`: `OP_0`, `OP_1` to `OP_16`, or the shortest signed
    /// little-endian push. Returns the bytes, and how many of them are used.
    fn push(self) -> ([u8; 5], usize) {
        match self.0 {
            0 => ([0x00; 5], 1),
            small @ 1..=16 => ([0x50 + small as u8, 0, 0, 0, 0], 1),
            height => {
                // If the top bit were set, the number would be negative. So one
                // more bit is needed.
                let used = 4 - (height << 1).leading_zeros() as usize / 8;
                let [a, b, c, d] = height.to_le_bytes();
                ([used as u8, a, b, c, d], 1 + used)
            }
        }
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The 12 bytes that change when all nonces have been tried. Extranonce 1 (4
/// bytes) belongs to a Stratum server. Extranonce 2 (8 bytes) belongs to the
/// miner; here it is a little-endian counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtraNonce(pub [u8; 12]);

impl ExtraNonce {
    /// The extranonce with these two parts.
    pub fn new(one: [u8; 4], two: u64) -> Self {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&one);
        bytes[4..].copy_from_slice(&two.to_le_bytes());
        ExtraNonce(bytes)
    }
}

/// A coinbase. Only one form is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coinbase {
    /// Height of the block.
    pub height: Height,
    /// The bytes that change when all nonces have been tried.
    pub extranonce: ExtraNonce,
    /// The commitment to the body.
    pub commitment: BodyCommitment,
}

impl Coinbase {
    /// The transaction's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (height, height_len) = self.height.push();

        let mut tx = Vec::with_capacity(112);
        tx.extend_from_slice(&[1, 0, 0, 0, 1]);
        tx.extend_from_slice(&[0; 32]);
        tx.extend_from_slice(&[0xff; 4]);
        tx.push((height_len + 1 + self.extranonce.0.len()) as u8);
        tx.extend_from_slice(&height[..height_len]);
        tx.push(12);
        tx.extend_from_slice(&self.extranonce.0);
        tx.extend_from_slice(&[0xff; 4]);
        tx.push(1);
        tx.extend_from_slice(&[0; 8]);
        tx.extend_from_slice(&[0x22, 0x6a, 0x20]);
        tx.extend_from_slice(&self.commitment.0);
        tx.extend_from_slice(&[0; 4]);
        tx
    }

    /// Reads a coinbase from the front of `reader`. Only the one form is
    /// accepted.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the first field that differs.
    pub fn read(reader: &mut Reader<'_>) -> Result<Coinbase, DecodeError> {
        let fixed = |reader: &mut Reader<'_>, field, expected: &[u8]| {
            let at = reader.clone();
            if reader.take(field, expected.len())? == expected {
                Ok(())
            } else {
                Err(at.error(DecodeErrorKind::Fixed(field)))
            }
        };
        fixed(reader, "coinbase version and input count", &[1, 0, 0, 0, 1])?;
        fixed(reader, "coinbase previous output", &NULL_OUTPOINT)?;
        let script_at = reader.clone();
        let len = reader.u8("script length")?;
        let mut script = Reader::new(reader.take("script", len.into())?);
        let script_error = |field| script_at.error(DecodeErrorKind::Fixed(field));
        let height = read_height(&mut script).ok_or_else(|| script_error("height push"))?;
        if script.u8("extranonce push").ok() != Some(12) {
            return Err(script_error("extranonce push"));
        }
        let extranonce = script
            .array("extranonce")
            .map(ExtraNonce)
            .map_err(|_| script_error("extranonce"))?;
        script
            .finish()
            .map_err(|_| script_error("end of the script"))?;
        fixed(reader, "sequence", &[0xff; 4])?;
        fixed(
            reader,
            "output count and value",
            &[1, 0, 0, 0, 0, 0, 0, 0, 0],
        )?;
        fixed(reader, "output script", &[0x22, 0x6a, 0x20])?;
        let commitment = BodyCommitment(reader.array("body commitment")?);
        fixed(reader, "lock time", &[0; 4])?;
        Ok(Coinbase {
            height,
            extranonce,
            commitment,
        })
    }

    /// The transaction's id. It is also the block's transaction root.
    pub fn txid(&self) -> TxRoot {
        TxRoot(sha256d(&self.to_bytes()))
    }
}

const NULL_OUTPOINT: [u8; 36] = {
    let mut bytes = [0; 36];
    let mut i = 32;
    while i < 36 {
        bytes[i] = 0xff;
        i += 1;
    }
    bytes
};

/// Reads a height push. `None` if it is not the canonical push.
fn read_height(script: &mut Reader<'_>) -> Option<Height> {
    let opcode = script.u8("height").ok()?;
    let height = match opcode {
        0 => 0,
        0x51..=0x60 => u32::from(opcode - 0x50),
        1..=4 => {
            let mut bytes = [0; 4];
            let push = script.take("height", opcode.into()).ok()?;
            bytes[..push.len()].copy_from_slice(push);
            u32::from_le_bytes(bytes)
        }
        _ => return None,
    };
    let height = Height::new(height).ok()?;
    // The opcode tells how many bytes follow it. So only the canonical push has
    // this opcode.
    let (canonical, _) = height.push();
    (canonical[0] == opcode).then_some(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(height: u32) -> Coinbase {
        Coinbase {
            height: Height(height),
            extranonce: ExtraNonce::new(*b"pool", 77),
            commitment: BodyCommitment([9; 32]),
        }
    }

    #[test]
    fn every_height_class_round_trips() {
        let classes = [0, 1, 16, 17, 127, 128, 255, 256, 32767, 32768, 65535];
        let large = [8_388_607, 8_388_608, (1 << 31) - 1];
        for height in classes.into_iter().chain(large) {
            let bytes = at(height).to_bytes();
            let mut reader = Reader::new(&bytes);
            assert_eq!(Coinbase::read(&mut reader), Ok(at(height)), "{height}");
            assert_eq!(reader.finish(), Ok(()), "{height}");
            assert_ne!(bytes.len(), 64);
        }
    }

    #[test]
    fn a_changed_or_cut_byte_never_reads_as_the_same() {
        let bytes = at(300).to_bytes();
        for i in 0..bytes.len() {
            assert!(
                Coinbase::read(&mut Reader::new(&bytes[..i])).is_err(),
                "{i}"
            );
            let mut other = bytes.clone();
            other[i] ^= 1;
            assert_ne!(Coinbase::read(&mut Reader::new(&other)), Ok(at(300)), "{i}");
        }
    }

    #[test]
    fn a_longer_push_of_the_same_height_is_refused() {
        let mut bytes = at(17).to_bytes();
        // 01 11 becomes 02 11 00, and the script is one byte longer.
        bytes[41] += 1;
        bytes[42] = 2;
        bytes.insert(44, 0);
        assert!(Coinbase::read(&mut Reader::new(&bytes)).is_err());
    }
    #[test]
    fn a_byte_behind_the_extranonce_is_refused() {
        let mut bytes = at(300).to_bytes();
        // The script has one byte more: 3 of the height, 13 of the extranonce, and this one.
        bytes[41] += 1;
        bytes.insert(42 + 16, 0);
        let error = Coinbase::read(&mut Reader::new(&bytes)).unwrap_err();
        assert_eq!(error.offset, 41);
        assert_eq!(error.kind, DecodeErrorKind::Fixed("end of the script"));
    }
}
