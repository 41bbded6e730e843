//! A proof as JSON, in the one strict form that `docs/format.md` describes.

use crate::display::printable_json;
use crate::hex::{from_hex, to_hex};
use crate::json::Object;
use pow_core::hash::TreeRoot;
use pow_core::proof::{
    BlockOpening, BlockProof, ChunkProof, ConsistencyPath, EntryProof, InclusionPath, LeafCount,
    LeafIndex, Proof, TensorProof,
};
use pow_core::tensor::DType;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

/// The longest proof that is read or written, in bytes (1 MiB).
pub const MAX_PROOF_LEN: usize = 1 << 20;

const SCHEMA: &str = "burn-pow/proof/v1";

/// Why bytes are not a proof in the form of `docs/format.md`, or why a proof has no such
/// form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofJsonError {
    /// Longer than [`MAX_PROOF_LEN`].
    #[error("a proof of {0} bytes; at most {MAX_PROOF_LEN} are allowed")]
    Length(usize),
    /// Not the JSON of a proof.
    #[error("malformed proof: {0}")]
    Json(#[from] serde_json::Error),
}

/// Reads a proof. It is then well-formed, but not checked.
///
/// # Errors
///
/// [`ProofJsonError`] if there are too many bytes, or if they do not have the one form.
pub fn proof_from_json(bytes: &[u8]) -> Result<Proof, ProofJsonError> {
    if bytes.len() > MAX_PROOF_LEN {
        return Err(ProofJsonError::Length(bytes.len()));
    }
    let Object(file) = serde_json::from_slice::<Object<ProofFile>>(bytes)?;
    Ok(file.into())
}

/// The JSON of a proof, in lines that people can read, with a newline at the end.
///
/// # Errors
///
/// [`ProofJsonError::Length`] if it is too long to be read again. Only a tensor with a
/// very long path or very many dims can cause that.
pub fn proof_to_json(proof: &Proof) -> Result<String, ProofJsonError> {
    // A tensor can have any path, and a proof is often printed.
    let mut text = printable_json(&serde_json::to_string_pretty(&ProofFile::from(proof))?);
    text.push('\n');
    if text.len() > MAX_PROOF_LEN {
        return Err(ProofJsonError::Length(text.len()));
    }
    Ok(text)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    schema: Schema,
    head: Object<HeadPart>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    block: Option<Object<BlockPart>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    entry: Option<Object<EntryPart>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadPart {
    block: Hex,
    fixed: Hex,
    entries: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockPart {
    block: Hex,
    fixed: Hex,
    entries: Digest,
    inclusion: Vec<Digest>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    consistency: Option<Vec<Digest>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryPart {
    entry: Hex,
    index: u64,
    inclusion: Vec<Digest>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    tensor: Option<Object<TensorPart>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorPart {
    path: String,
    dtype: DTypeName,
    dims: Vec<u64>,
    data: Digest,
    index: u64,
    count: u64,
    inclusion: Vec<Digest>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    chunk: Option<Object<ChunkPart>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChunkPart {
    index: u64,
    leaf: Digest,
    inclusion: Vec<Digest>,
}

/// Reads an optional field that is there. It must have a value: `null` is not allowed.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// Reads and writes a type as a JSON string.
macro_rules! as_text {
    ($name:ident, $read:expr, $write:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$write(self))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $read(&text).map_err(D::Error::custom)
            }
        }
    };
}

struct Schema;

as_text!(
    Schema,
    |text: &str| match text {
        SCHEMA => Ok(Schema),
        _ => Err(format!("schema is {text:?}, expected {SCHEMA:?}")),
    },
    |_| SCHEMA.to_owned()
);

struct DTypeName(DType);

as_text!(
    DTypeName,
    |text: &str| DType::from_name(text)
        .map(DTypeName)
        .ok_or_else(|| format!("dtype {text:?} has no commitment")),
    |dtype: &DTypeName| dtype.0.name().to_owned()
);

/// Bytes as lower-case hex digits.
struct Hex(Vec<u8>);

as_text!(Hex, |text: &str| read_hex(text).map(Hex), |hex: &Hex| {
    to_hex(&hex.0)
});

/// 32 bytes as lower-case hex digits, in the order of the bytes.
struct Digest([u8; 32]);

as_text!(
    Digest,
    |text: &str| {
        let bytes = read_hex(text)?;
        let len = bytes.len();
        bytes
            .try_into()
            .map(Digest)
            .map_err(|_| format!("{len} bytes of hex, expected 32"))
    },
    |digest: &Digest| to_hex(&digest.0)
);

fn read_hex(text: &str) -> Result<Vec<u8>, String> {
    if text.bytes().any(|c| c.is_ascii_uppercase()) {
        return Err("not lower-case hex".into());
    }
    from_hex(text).map_err(|error| error.to_string())
}

fn digests(path: &[[u8; 32]]) -> Vec<Digest> {
    path.iter().map(|hash| Digest(*hash)).collect()
}

fn hashes(path: Vec<Digest>) -> Vec<[u8; 32]> {
    path.into_iter().map(|digest| digest.0).collect()
}

impl From<&Proof> for ProofFile {
    fn from(proof: &Proof) -> Self {
        ProofFile {
            schema: Schema,
            head: Object(HeadPart {
                block: Hex(proof.head.block.clone()),
                fixed: Hex(proof.head.fixed.clone()),
                entries: Digest(proof.head.entries.0),
            }),
            block: proof.block.as_ref().map(|block| Object(block.into())),
            entry: proof.entry.as_ref().map(|entry| Object(entry.into())),
        }
    }
}

impl From<&BlockProof> for BlockPart {
    fn from(proof: &BlockProof) -> Self {
        BlockPart {
            block: Hex(proof.opening.block.clone()),
            fixed: Hex(proof.opening.fixed.clone()),
            entries: Digest(proof.opening.entries.0),
            inclusion: digests(&proof.inclusion.0),
            consistency: proof.consistency.as_ref().map(|path| digests(&path.0)),
        }
    }
}

impl From<&EntryProof> for EntryPart {
    fn from(proof: &EntryProof) -> Self {
        EntryPart {
            entry: Hex(proof.entry.clone()),
            index: proof.index.0,
            inclusion: digests(&proof.inclusion.0),
            tensor: proof.tensor.as_ref().map(|tensor| Object(tensor.into())),
        }
    }
}

impl From<&TensorProof> for TensorPart {
    fn from(proof: &TensorProof) -> Self {
        TensorPart {
            path: proof.path.clone(),
            dtype: DTypeName(proof.dtype),
            dims: proof.dims.clone(),
            data: Digest(proof.data.0),
            index: proof.index.0,
            count: proof.count.0,
            inclusion: digests(&proof.inclusion.0),
            chunk: proof.chunk.as_ref().map(|chunk| {
                Object(ChunkPart {
                    index: chunk.index.0,
                    leaf: Digest(chunk.leaf),
                    inclusion: digests(&chunk.inclusion.0),
                })
            }),
        }
    }
}

impl From<ProofFile> for Proof {
    fn from(file: ProofFile) -> Self {
        let Object(head) = file.head;
        Proof {
            head: BlockOpening {
                block: head.block.0,
                fixed: head.fixed.0,
                entries: TreeRoot(head.entries.0),
            },
            block: file.block.map(|Object(block)| block.into()),
            entry: file.entry.map(|Object(entry)| entry.into()),
        }
    }
}

impl From<BlockPart> for BlockProof {
    fn from(part: BlockPart) -> Self {
        BlockProof {
            opening: BlockOpening {
                block: part.block.0,
                fixed: part.fixed.0,
                entries: TreeRoot(part.entries.0),
            },
            inclusion: InclusionPath(hashes(part.inclusion)),
            consistency: part.consistency.map(|path| ConsistencyPath(hashes(path))),
        }
    }
}

impl From<EntryPart> for EntryProof {
    fn from(part: EntryPart) -> Self {
        EntryProof {
            entry: part.entry.0,
            index: LeafIndex(part.index),
            inclusion: InclusionPath(hashes(part.inclusion)),
            tensor: part.tensor.map(|Object(tensor)| tensor.into()),
        }
    }
}

impl From<TensorPart> for TensorProof {
    fn from(part: TensorPart) -> Self {
        TensorProof {
            path: part.path,
            dtype: part.dtype.0,
            dims: part.dims,
            data: TreeRoot(part.data.0),
            index: LeafIndex(part.index),
            count: LeafCount(part.count),
            inclusion: InclusionPath(hashes(part.inclusion)),
            chunk: part.chunk.map(|Object(chunk)| ChunkProof {
                index: LeafIndex(chunk.index),
                leaf: chunk.leaf.0,
                inclusion: InclusionPath(hashes(chunk.inclusion)),
            }),
        }
    }
}
