//! The bytes of a genesis body.

use crate::body::{
    CodeDigests, Environment, Extension, Genesis, InitialState, MAX_EXTENSION, MAX_TEXT, Mode,
    OrderRule, Schedule,
};
use crate::codec::{DecodeError, DecodeErrorKind, Reader, Writer};
use crate::difficulty::{Asert, Difficulty, Millis, Policy};
use crate::hash::{DatasetRoot, FileDigest, StateRoot};
use crate::target::CompactTarget;
use alloc::vec::Vec;

impl Genesis {
    pub(super) fn write_fixed(&self, out: &mut Writer) {
        out.bytes(self.name.as_bytes())
            .u64(self.seed)
            .raw(&self.initial.root.0)
            .u8(self.initial.regenerable.into());
        self.schedule.write(out);
        out.u8(match self.mode {
            Mode::Pipelined => 0,
            Mode::Gate => 1,
        });
        self.order.write(out);
        out.option(self.dataset, |out, root| {
            out.raw(&root.0);
        });
        out.raw(&self.config.0);
        self.code.write(out);
        self.environment.write(out);
        match self.difficulty.policy {
            Policy::Fixed(bits) => out.u8(0).u32(bits.0),
            Policy::Asert(asert) => out
                .u8(1)
                .u32(asert.reference.0)
                .u64(asert.spacing.0)
                .u64(asert.half_life.0),
        };
        out.u32(self.difficulty.floor.0)
            .u32(self.difficulty.final_bits.0);
    }

    /// Reads everything except the extensions, which are the body's entries.
    pub(super) fn read_fixed(reader: &mut Reader<'_>) -> Result<Genesis, DecodeError> {
        let name = reader.text("name", MAX_TEXT)?;
        let seed = reader.u64("seed")?;
        let initial = InitialState {
            root: StateRoot(reader.array("initial state root")?),
            regenerable: reader.flag("regenerable")?,
        };
        let schedule = Schedule::read(reader)?;
        Ok(Genesis {
            name,
            seed,
            initial,
            mode: read_mode(reader)?,
            order: OrderRule::read(reader, &schedule)?,
            schedule,
            dataset: reader.option("dataset root", |r| r.array("dataset root").map(DatasetRoot))?,
            config: FileDigest(reader.array("config digest")?),
            code: CodeDigests::read(reader)?,
            environment: Environment::read(reader)?,
            difficulty: read_difficulty(reader)?,
            extensions: Vec::new(),
        })
    }
}

impl Extension {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u32(self.kind).bytes(&self.data);
        out.finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Extension {
            kind: reader.u32("extension type")?,
            data: reader.bytes("extension", MAX_EXTENSION)?.to_vec(),
        })
    }
}

impl Schedule {
    fn write(&self, out: &mut Writer) {
        out.option(self.planned, |out, steps| {
            out.u64(steps);
        });
        out.u64(self.commit_every).u64(self.checkpoint_every);
        out.option(self.keep_checkpoints, |out, keep| {
            out.u32(keep);
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let planned = reader.option("planned steps", |r| r.u64("planned steps"))?;
        let at = reader.clone();
        let commit_every = reader.u64("commit interval")?;
        if commit_every == 0 {
            return Err(at.error(DecodeErrorKind::Value {
                field: "commit interval",
                found: 0,
                expected: "at least 1",
            }));
        }
        let at = reader.clone();
        let checkpoint_every = reader.u64("checkpoint interval")?;
        if !checkpoint_every.is_multiple_of(commit_every) {
            return Err(at.error(DecodeErrorKind::Value {
                field: "checkpoint interval",
                found: checkpoint_every,
                expected: "a multiple of the commit interval, or 0",
            }));
        }
        Ok(Schedule {
            planned,
            commit_every,
            checkpoint_every,
            keep_checkpoints: reader
                .option("checkpoint retention", |r| r.u32("checkpoint retention"))?,
        })
    }
}

impl OrderRule {
    fn write(&self, out: &mut Writer) {
        match *self {
            OrderRule::Foreign => {
                out.u8(0);
            }
            OrderRule::Seeded {
                items,
                batch,
                accumulation,
            } => {
                out.u8(1)
                    .u32(items.get())
                    .u32(batch.get())
                    .u32(accumulation.get());
            }
            OrderRule::Bound {
                items,
                batch,
                accumulation,
                lag,
            } => {
                out.u8(2)
                    .u32(items.get())
                    .u32(batch.get())
                    .u32(accumulation.get())
                    .u32(lag.get());
            }
        }
    }

    fn read(reader: &mut Reader<'_>, schedule: &Schedule) -> Result<Self, DecodeError> {
        let at = reader.clone();
        let rule = match reader.u8("order rule")? {
            0 => return Ok(OrderRule::Foreign),
            1 => OrderRule::Seeded {
                items: reader.nonzero_u32("items")?,
                batch: reader.nonzero_u32("batch size")?,
                accumulation: reader.nonzero_u32("accumulation")?,
            },
            2 if schedule.checkpoint_every == 0 => {
                return Err(at.error(DecodeErrorKind::Value {
                    field: "order rule",
                    found: 2,
                    expected: "0 or 1, as there is no checkpoint interval to bind an order to",
                }));
            }
            2 => OrderRule::Bound {
                items: reader.nonzero_u32("items")?,
                batch: reader.nonzero_u32("batch size")?,
                accumulation: reader.nonzero_u32("accumulation")?,
                lag: reader.nonzero_u32("lag")?,
            },
            found => {
                return Err(at.error(DecodeErrorKind::Value {
                    field: "order rule",
                    found: found.into(),
                    expected: "0 (foreign), 1 (seeded) or 2 (bound)",
                }));
            }
        };
        Ok(rule)
    }
}

impl CodeDigests {
    fn write(&self, out: &mut Writer) {
        for digest in [self.executable, self.lockfile] {
            out.option(digest, |out, digest| {
                out.raw(&digest.0);
            });
        }
        out.option(self.revision.as_deref(), |out, revision| {
            out.bytes(revision.as_bytes());
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut digest =
            |field| reader.option(field, |r: &mut Reader<'_>| r.array(field).map(FileDigest));
        Ok(CodeDigests {
            executable: digest("executable digest")?,
            lockfile: digest("lock file digest")?,
            revision: reader.option("revision", |r| r.text("revision", MAX_TEXT))?,
        })
    }
}

impl Environment {
    fn write(&self, out: &mut Writer) {
        for text in [&self.burn, &self.backend, &self.device, &self.cpu] {
            out.bytes(text.as_bytes());
        }
        out.u32(self.threads);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Environment {
            burn: reader.text("burn version", MAX_TEXT)?,
            backend: reader.text("backend", MAX_TEXT)?,
            device: reader.text("device", MAX_TEXT)?,
            cpu: reader.text("cpu", MAX_TEXT)?,
            threads: reader.u32("threads")?,
        })
    }
}

fn read_mode(reader: &mut Reader<'_>) -> Result<Mode, DecodeError> {
    let at = reader.clone();
    match reader.u8("mode")? {
        0 => Ok(Mode::Pipelined),
        1 => Ok(Mode::Gate),
        found => Err(at.error(DecodeErrorKind::Value {
            field: "mode",
            found: found.into(),
            expected: "0 (pipelined) or 1 (gate)",
        })),
    }
}

fn read_difficulty(reader: &mut Reader<'_>) -> Result<Difficulty, DecodeError> {
    let at = reader.clone();
    let policy = match reader.u8("difficulty policy")? {
        0 => Policy::Fixed(CompactTarget(reader.u32("target")?)),
        1 => Policy::Asert(Asert {
            reference: CompactTarget(reader.u32("target")?),
            spacing: Millis(reader.u64("spacing")?),
            half_life: Millis(reader.u64("half-life")?),
        }),
        found => {
            return Err(at.error(DecodeErrorKind::Value {
                field: "difficulty policy",
                found: found.into(),
                expected: "0 (fixed) or 1 (asert)",
            }));
        }
    };
    Ok(Difficulty {
        policy,
        floor: CompactTarget(reader.u32("floor")?),
        final_bits: CompactTarget(reader.u32("final target")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroU32;

    fn schedule(commit_every: u64, checkpoint_every: u64) -> Schedule {
        Schedule {
            planned: None,
            commit_every,
            checkpoint_every,
            keep_checkpoints: None,
        }
    }

    /// Where an error is, and the field that it names.
    fn place(error: DecodeError) -> (usize, &'static str) {
        match error.kind {
            DecodeErrorKind::Value { field, .. } => (error.offset, field),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn intervals_that_do_not_fit_are_refused() {
        let read = |commit_every, checkpoint_every| {
            let mut out = Writer::new();
            schedule(commit_every, checkpoint_every).write(&mut out);
            Schedule::read(&mut Reader::new(&out.finish()))
        };
        for (commit, checkpoint) in [(1, 0), (1, 1), (3, 0), (3, 3), (3, 6)] {
            assert_eq!(
                read(commit, checkpoint),
                Ok(schedule(commit, checkpoint)),
                "{commit} {checkpoint}"
            );
        }
        for checkpoint in [0, 1] {
            let found = read(0, checkpoint).map_err(place);
            assert_eq!(found, Err((1, "commit interval")), "{checkpoint}");
        }
        for checkpoint in [1, 4] {
            let found = read(3, checkpoint).map_err(place);
            assert_eq!(found, Err((9, "checkpoint interval")), "{checkpoint}");
        }
    }

    #[test]
    fn an_order_is_bound_only_where_there_are_checkpoints() {
        let bound = OrderRule::Bound {
            items: NonZeroU32::MIN,
            batch: NonZeroU32::MIN,
            accumulation: NonZeroU32::MIN,
            lag: NonZeroU32::MIN,
        };
        let read = |checkpoint_every| {
            let mut out = Writer::new();
            bound.write(&mut out);
            let schedule = schedule(1, checkpoint_every);
            OrderRule::read(&mut Reader::new(&out.finish()), &schedule).map_err(place)
        };
        assert_eq!(read(1), Ok(bound));
        assert_eq!(read(0), Err((0, "order rule")));
    }
}
