//! A replay report as JSON, in the one form that `docs/replay.md` describes.
//!
//! JSON allows many forms of one value, and so does the parser here. Afterwards the bytes
//! are compared with those that would be written, as these are made: a long report is never
//! in memory twice.

use super::challenge::{Challenge, Reason};
use super::detection::{Goal, SecurityBits};
use super::error::{MAX_REPORT_LEN, ReportError};
use super::machine::{Machine, MachinePart};
use super::outcome::SegmentOutcome;
use super::report::{Executed, ReplayReport, ReplayedChain, ReportVersion, SegmentResult, millis};
use super::segments::Segment;
use super::shard::Shard;
use crate::hex::{from_hex, to_hex};
use pow_core::body::{Environment, StepNumber};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount, SegmentIndex};
use pow_core::coinbase::Height;
use pow_core::extension::{Operation, Probe};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

const SCHEMAS: [(&str, ReportVersion); 2] = [
    ("burn-pow/replay-report/v1", ReportVersion::V1),
    ("burn-pow/replay-report/v2", ReportVersion::V2),
];

impl ReplayReport {
    /// Reads a report from its JSON. The report does not contradict itself. Whether it
    /// matches a chain is not checked.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if the bytes are not those of a report.
    pub fn from_json(bytes: &[u8]) -> Result<ReplayReport, ReportError> {
        if bytes.len() > MAX_REPORT_LEN {
            return Err(ReportError::TooLong);
        }
        let report = serde_json::from_slice::<ReadForm>(bytes)?.into_report()?;
        report.check()?;
        let mut compared = Compared { bytes, offset: 0 };
        let written = write_report(&report, &mut compared);
        let offset = compared.offset;
        // Nothing but a difference makes this writer fail.
        if written.is_err() || offset != bytes.len() {
            return Err(ReportError::Form { offset });
        }
        Ok(report)
    }

    /// The report as JSON, with a newline at the end. Equal reports give equal bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError::TooLong`] if the JSON is too long to be read again.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let mut text = Vec::new();
        write_report(self, &mut text)?;
        if text.len() > MAX_REPORT_LEN {
            return Err(ReportError::TooLong);
        }
        String::from_utf8(text).map_err(|error| ReportError::content("report", error.to_string()))
    }
}

impl Machine {
    /// As JSON, for the process that asked for an execution on it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Json`] if a value cannot be written.
    pub fn to_json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string(&MachineForm::of(self))?)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if the bytes are something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ReportError> {
        serde_json::from_slice::<MachineForm>(bytes)?.into_machine()
    }
}

impl Executed {
    /// As JSON, for the process that asked for the execution.
    ///
    /// # Errors
    ///
    /// [`ReportError::Json`] if a value cannot be written.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let form = ExecutedForm {
            machine: MachineForm::of(&self.machine),
            outcome: self.outcome.clone(),
        };
        Ok(serde_json::to_string(&form)?)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if the bytes are something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ReportError> {
        let form: ExecutedForm = serde_json::from_slice(bytes)?;
        Ok(Executed {
            machine: form.machine.into_machine()?,
            outcome: form.outcome,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecutedForm {
    machine: MachineForm,
    outcome: SegmentOutcome,
}

/// A writer that compares what is written with these bytes, and fails where it differs.
struct Compared<'a> {
    bytes: &'a [u8],
    /// How many bytes are equal so far.
    offset: usize,
}

impl Write for Compared<'_> {
    fn write(&mut self, written: &[u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.offset..];
        let same = written.iter().zip(rest).take_while(|(a, b)| a == b);
        let same = same.count();
        self.offset += same;
        match same == written.len() {
            true => Ok(same),
            false => Err(std::io::Error::other("the bytes differ")),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lists are written element by element, and each element is made when it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportForm<Challenge, Machines, Results, Times> {
    schema: String,
    chain: ChainForm,
    challenge: Challenge,
    shard: ShardForm,
    recorded: MachineForm,
    replayed: Machines,
    results: Results,
    timing: Times,
}

/// A report as it is read.
type ReadForm = ReportForm<
    ChallengeForm<Vec<AlwaysForm>, Vec<u64>>,
    Vec<ReplayedForm>,
    Vec<ResultForm>,
    Vec<TimingForm>,
>;

/// A list whose elements are made one by one.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainForm {
    genesis: AsText<pow_core::hash::BlockHash>,
    head: AsText<pow_core::hash::BlockHash>,
    height: u32,
    finished: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChallengeForm<Always, Picked> {
    source: String,
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fraction: Option<AsText<super::Fraction>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    security: Option<u32>,
    segments: u64,
    remaining: u64,
    picks: u64,
    always: Always,
    picked: Picked,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlwaysForm {
    segment: u64,
    why: Reason,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShardForm {
    index: u32,
    of: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    executable: Option<AsText<pow_core::hash::FileDigest>>,
    burn: String,
    backend: String,
    device: String,
    cpu: String,
    threads: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe: Option<Vec<OperationForm>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationForm {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<AsText<pow_core::hash::ParameterRoot>>,
}

/// A machine that replayed, and which of its fields equal those of genesis.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayedForm {
    machine: MachineForm,
    matches: MatchesForm,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchesForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    executable: Option<bool>,
    burn: bool,
    backend: bool,
    device: bool,
    cpu: bool,
    threads: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe: Option<bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultForm {
    segment: u64,
    from_step: u64,
    to_step: u64,
    from_state: AsText<pow_core::hash::StateRoot>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_state: Option<AsText<pow_core::hash::StateRoot>>,
    block: u32,
    entries: u64,
    /// Index into `replayed`.
    machine: u64,
    outcome: SegmentOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    control: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimingForm {
    segment: u64,
    millis: u64,
}

/// A value that is written in the file as its `Display` text.
struct AsText<T>(T);

impl<T: Display> Serialize for AsText<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for AsText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(AsText).map_err(D::Error::custom)
    }
}

/// Writes a report, with a newline at the end.
fn write_report(report: &ReplayReport, out: &mut impl Write) -> Result<(), ReportError> {
    let machines: BTreeSet<&Machine> = report.results.iter().map(|r| &*r.machine).collect();
    let machines: Vec<&Machine> = machines.into_iter().collect();
    let place = |machine: &Machine| machines.partition_point(|known| *known < machine) as u64;
    let challenge = &report.challenge;
    let form = ReportForm {
        schema: schema(report.version).into(),
        chain: ChainForm {
            genesis: AsText(report.chain.genesis),
            head: AsText(report.chain.head),
            height: report.chain.height.get(),
            finished: report.chain.finished,
        },
        challenge: ChallengeForm {
            source: challenge.source.name().into(),
            value: to_hex(challenge.source.value()),
            fraction: challenge.goal.map(|goal| AsText(goal.fraction)),
            security: challenge.goal.map(|goal| goal.security.0),
            segments: challenge.segments.0,
            remaining: challenge.remaining().0,
            picks: challenge.picks().0,
            always: Each(|| challenge.always.iter().map(AlwaysForm::of)),
            picked: Each(|| challenge.picked.iter().map(|segment| segment.0)),
        },
        shard: ShardForm {
            index: report.shard.index(),
            of: report.shard.of(),
        },
        recorded: MachineForm::of(&report.recorded),
        replayed: Each(|| {
            machines.iter().map(|machine| ReplayedForm {
                machine: MachineForm::of(machine),
                matches: MatchesForm::of(machine, &report.recorded),
            })
        }),
        results: Each(|| {
            let results = report.results.iter();
            results.map(|result| ResultForm::of(result, place(&result.machine)))
        }),
        timing: Each(|| report.results.iter().map(TimingForm::of)),
    };
    serde_json::to_writer_pretty(&mut *out, &form)?;
    out.write_all(b"\n")
        .map_err(|error| ReportError::Json(serde_json::Error::io(error)))
}

impl ReadForm {
    fn into_report(self) -> Result<ReplayReport, ReportError> {
        let known = SCHEMAS.iter().find(|known| known.0 == self.schema);
        let Some((_, version)) = known else {
            let names = SCHEMAS.map(|known| format!("{:?}", known.0));
            let reason = format!("{:?}, expected {}", self.schema, names.join(" or "));
            return Err(ReportError::content("schema", reason));
        };
        let shard = Shard::new(self.shard.index, self.shard.of)
            .map_err(|error| ReportError::content("shard", error.to_string()))?;
        let machines = self.replayed.into_iter();
        let machines: Vec<Arc<Machine>> = machines
            .map(|replayed| replayed.machine.into_machine().map(Arc::new))
            .collect::<Result<_, _>>()?;
        if self.timing.len() != self.results.len() {
            let reason = "it does not have as many segments as `results`";
            return Err(ReportError::content("timing", reason));
        }
        let results = self.results.into_iter().zip(self.timing);
        Ok(ReplayReport {
            version: *version,
            chain: ReplayedChain {
                genesis: self.chain.genesis.0,
                head: self.chain.head.0,
                height: height("chain", self.chain.height)?,
                finished: self.chain.finished,
            },
            challenge: self.challenge.into_challenge()?,
            shard,
            recorded: self.recorded.into_machine()?,
            results: results
                .map(|(result, timing)| result.into_result(&machines, &timing))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn schema(version: ReportVersion) -> &'static str {
    let known = SCHEMAS.iter().find(|known| known.1 == version);
    known.map_or("", |known| known.0)
}

fn height(place: &str, height: u32) -> Result<Height, ReportError> {
    Height::new(height).map_err(|error| ReportError::content(place, error.to_string()))
}

impl AlwaysForm {
    fn of((segment, why): &(SegmentIndex, Reason)) -> Self {
        AlwaysForm {
            segment: segment.0,
            why: *why,
        }
    }
}

impl ChallengeForm<Vec<AlwaysForm>, Vec<u64>> {
    fn into_challenge(self) -> Result<Challenge, ReportError> {
        let error = |place: &str, reason: String| {
            ReportError::content(format!("challenge.{place}"), reason)
        };
        let bytes = from_hex(&self.value).map_err(|reason| error("value", reason.to_string()))?;
        let value = || {
            ChallengeValue::new(bytes.clone()).map_err(|reason| error("value", reason.to_string()))
        };
        let source = match self.source.as_str() {
            "head" if bytes.is_empty() => ChallengeSource::Head,
            "head" => return Err(error("value", "source head has none".into())),
            "verifier" => ChallengeSource::Verifier(value()?),
            "beacon" => ChallengeSource::Beacon(value()?),
            other => {
                let reason =
                    format!("unknown source {other:?}; the sources are head, verifier and beacon");
                return Err(error("source", reason));
            }
        };
        let goal = match (self.fraction, self.security) {
            (Some(AsText(fraction)), Some(security)) => Some(Goal {
                fraction,
                security: SecurityBits(security),
            }),
            (None, None) => None,
            _ => {
                return Err(error(
                    "fraction",
                    "fraction and security are given together or not at all".into(),
                ));
            }
        };
        Ok(Challenge {
            source,
            goal,
            segments: SegmentCount(self.segments),
            always: self
                .always
                .iter()
                .map(|always| (SegmentIndex(always.segment), always.why))
                .collect(),
            picked: self.picked.into_iter().map(SegmentIndex).collect(),
        })
    }
}

impl MachineForm {
    fn of(machine: &Machine) -> Self {
        let environment = machine.environment.clone();
        MachineForm {
            executable: machine.executable.map(AsText),
            burn: environment.burn,
            backend: environment.backend,
            device: environment.device,
            cpu: environment.cpu,
            threads: environment.threads,
            probe: machine
                .probe
                .as_ref()
                .map(|probe| probe.operations().iter().map(OperationForm::of).collect()),
        }
    }

    fn into_machine(self) -> Result<Machine, ReportError> {
        let machine = Machine {
            executable: self.executable.map(|text| text.0),
            environment: Environment {
                burn: self.burn,
                backend: self.backend,
                device: self.device,
                cpu: self.cpu,
                threads: self.threads,
            },
            probe: self.probe.map(into_probe).transpose()?,
        };
        machine.check().map(|()| machine)
    }
}

impl OperationForm {
    fn of(operation: &Operation) -> Self {
        OperationForm {
            name: operation.name.clone(),
            digest: operation.digest.map(AsText),
        }
    }
}

fn into_probe(operations: Vec<OperationForm>) -> Result<Probe, ReportError> {
    let operations = operations.into_iter().map(|form| Operation {
        name: form.name,
        digest: form.digest.map(|text| text.0),
    });
    Probe::new(operations.collect())
        .map_err(|error| ReportError::content("machine.probe", error.to_string()))
}

impl MatchesForm {
    fn of(machine: &Machine, recorded: &Machine) -> Self {
        let agrees = |part| machine.agrees_with(recorded, part);
        MatchesForm {
            executable: agrees(MachinePart::Executable),
            burn: agrees(MachinePart::Burn) == Some(true),
            backend: agrees(MachinePart::Backend) == Some(true),
            device: agrees(MachinePart::Device) == Some(true),
            cpu: agrees(MachinePart::Cpu) == Some(true),
            threads: agrees(MachinePart::Threads) == Some(true),
            probe: match (&recorded.probe, &machine.probe) {
                (Some(recorded), Some(here)) => Some(recorded.disagreements(here).is_empty()),
                _ => None,
            },
        }
    }
}

impl ResultForm {
    fn of(result: &SegmentResult, machine: u64) -> Self {
        let segment = result.segment;
        ResultForm {
            segment: segment.index.0,
            from_step: segment.from_step.0,
            to_step: segment.to_step.0,
            from_state: AsText(segment.from_state),
            to_state: segment.to_state.map(AsText),
            block: segment.block.get(),
            entries: segment.entries,
            machine,
            outcome: result.outcome.clone(),
            control: result.control.map(|control| control.0),
        }
    }

    fn into_result(
        self,
        machines: &[Arc<Machine>],
        timing: &TimingForm,
    ) -> Result<SegmentResult, ReportError> {
        let place = format!("segment {}", self.segment);
        let error = |reason: &str| ReportError::content(place.clone(), reason);
        if timing.segment != self.segment {
            return Err(error("timing has another segment in its place"));
        }
        let machine = usize::try_from(self.machine).ok();
        let machine = machine.and_then(|at| machines.get(at));
        Ok(SegmentResult {
            segment: Segment {
                index: SegmentIndex(self.segment),
                from_step: StepNumber(self.from_step),
                to_step: StepNumber(self.to_step),
                from_state: self.from_state.0,
                to_state: self.to_state.map(|text| text.0),
                block: height(&place, self.block)?,
                entries: self.entries,
            },
            machine: machine
                .ok_or_else(|| error("it names no machine of `replayed`"))?
                .clone(),
            outcome: self.outcome,
            control: self.control.map(SegmentIndex),
            spent: Duration::from_millis(timing.millis),
        })
    }
}

impl TimingForm {
    fn of(result: &SegmentResult) -> Self {
        TimingForm {
            segment: result.segment.index.0,
            millis: millis(result.spent),
        }
    }
}
