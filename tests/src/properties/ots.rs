//! OpenTimestamps proofs, beside a second reader written from `docs/format.md`.

use crate::anchors::OTS_HEAD;
use pow_audit::anchor::{OtsAttestation, OtsError, OtsProof};
use sha2::{Digest, Sha256};

/// A proof, whose head is made to fit.
pub fn ots(data: &[u8]) {
    let tail = data.get(OTS_HEAD.len()..).unwrap_or_default();
    let fitted = [&OTS_HEAD[..], tail].concat();
    for bytes in [data, &fitted] {
        let plain = plain(bytes);
        match OtsProof::parse(bytes) {
            Ok(proof) => {
                let (digest, paths) = plain.expect("only the plain reader refuses");
                assert_eq!(proof.digest.0[..], *digest);
                let found = proof.paths.iter().map(|path| {
                    let attestation = match &path.attestation {
                        OtsAttestation::Bitcoin(height) => format!("bitcoin {height}"),
                        OtsAttestation::Pending(address) => format!("pending {address}"),
                        _ => "other".into(),
                    };
                    (path.message.clone(), attestation)
                });
                assert_eq!(found.collect::<Vec<_>>(), paths);
            }
            // The plain reader has no limits but those of the format.
            Err(OtsError::TooMany(..) | OtsError::TooLong(_)) => {}
            Err(error) => assert_eq!(plain, None, "{error}"),
        }
    }
}

type Paths = Vec<(Vec<u8>, String)>;

fn plain(bytes: &[u8]) -> Option<(&[u8], Paths)> {
    let mut rest = bytes.strip_prefix(&OTS_HEAD[..])?;
    let digest = rest.split_off(..32)?;
    let mut paths = Vec::new();
    branch(&mut rest, digest.to_vec(), &mut paths)?;
    rest.is_empty().then_some((digest, paths))
}

/// Follows operations to an attestation; at a fork, each branch begins with one message.
fn branch(rest: &mut &[u8], mut message: Vec<u8>, paths: &mut Paths) -> Option<()> {
    let mut forks = Vec::new();
    loop {
        match rest.split_off_first()? {
            0xff => forks.push(message.clone()),
            0x08 => message = Sha256::digest(&message).to_vec(),
            0xf0 => message.extend(operand(rest)?),
            0xf1 => message = [operand(rest)?, &message].concat(),
            0x00 => {
                let tag = rest.split_off(..8)?;
                let mut payload = varbytes(rest).filter(|payload| payload.len() <= 8192)?;
                let attestation = match tag {
                    b"\x05\x88\x96\x0d\x73\xd7\x19\x01" => {
                        let height = u32::try_from(number(&mut payload)?).ok()?;
                        payload.is_empty().then(|| format!("bitcoin {height}"))?
                    }
                    b"\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e" => {
                        let address = varbytes(&mut payload).filter(|text| text.len() <= 1000)?;
                        let address = std::str::from_utf8(address).ok()?;
                        payload.is_empty().then(|| format!("pending {address}"))?
                    }
                    _ => "other".into(),
                };
                paths.push((message, attestation));
                message = match forks.pop() {
                    Some(fork) => fork,
                    None => return Some(()),
                };
            }
            _ => return None,
        }
        if message.len() > 4096 {
            return None;
        }
    }
}

fn operand<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    varbytes(rest).filter(|operand| (1..=4096).contains(&operand.len()))
}

fn varbytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(number(rest)?).ok()?;
    rest.split_off(..len)
}

/// LEB128, in at most nine bytes.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let len = rest.iter().take(9).position(|byte| byte & 0x80 == 0)? + 1;
    let digits = rest.split_off(..len)?.iter().rev();
    Some(digits.fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
}
