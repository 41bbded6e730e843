//! Where steps were executed, and how two such places differ.

use super::error::ReportError;
use pow_core::body::{Environment, Genesis, MAX_TEXT};
use pow_core::extension::Probe;
use pow_core::hash::FileDigest;
use std::borrow::Cow;
use std::fmt;

/// A program and the environment it ran in, as the program describes them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Digest of the executable's bytes. Absent if the file could not be read.
    pub executable: Option<FileDigest>,
    /// Burn, backend, device, CPU and threads.
    pub environment: Environment,
    /// How it computes. Absent if this was not recorded, or nothing can be claimed
    /// from what was.
    pub probe: Option<Probe>,
}

impl Machine {
    /// The machine that recorded the run, as genesis describes it.
    pub fn of_genesis(genesis: &Genesis) -> Self {
        Machine {
            executable: genesis.code.executable,
            environment: genesis.environment.clone(),
            probe: genesis.probe().ok().flatten(),
        }
    }

    /// How this machine differs from the one that recorded the run, in the order
    /// of [`MachinePart::ALL`].
    ///
    /// The executables are compared only if both digests are known.
    pub fn differences(&self, recorded: &Machine) -> Vec<MachineDifference> {
        MachinePart::ALL
            .into_iter()
            .filter(|part| self.agrees_with(recorded, *part) == Some(false))
            .filter_map(|part| {
                Some(MachineDifference {
                    part,
                    found: self.value(part)?.into_owned(),
                    expected: recorded.value(part)?.into_owned(),
                })
            })
            .collect()
    }

    /// Whether one part is equal on both machines. `None` if one of them does not
    /// know it, which only happens with [`MachinePart::Executable`].
    pub fn agrees_with(&self, other: &Machine, part: MachinePart) -> Option<bool> {
        Some(self.value(part)? == other.value(part)?)
    }

    /// Whether both machines have the same names for every part that
    /// [affects results](MachinePart::affects_results). Equal names do not show equal
    /// bits: see [`Comparability`](super::Comparability).
    pub fn has_names_of(&self, other: &Machine) -> bool {
        MachinePart::ALL
            .into_iter()
            .filter(|part| part.affects_results())
            .all(|part| self.agrees_with(other, part) == Some(true))
    }

    /// Checks that no text is longer than genesis allows.
    pub(super) fn check(&self) -> Result<(), ReportError> {
        let environment = &self.environment;
        [
            ("burn", &environment.burn),
            ("backend", &environment.backend),
            ("device", &environment.device),
            ("cpu", &environment.cpu),
        ]
        .into_iter()
        .find(|(_, text)| text.len() > MAX_TEXT)
        .map_or(Ok(()), |(place, text)| {
            let reason = format!(
                "a text of {} bytes, at most {MAX_TEXT} are allowed",
                text.len()
            );
            Err(ReportError::content(format!("machine.{place}"), reason))
        })
    }

    fn value(&self, part: MachinePart) -> Option<Cow<'_, str>> {
        let environment = &self.environment;
        Some(match part {
            MachinePart::Executable => self.executable?.to_string().into(),
            MachinePart::Burn => environment.burn.as_str().into(),
            MachinePart::Backend => environment.backend.as_str().into(),
            MachinePart::Device => environment.device.as_str().into(),
            MachinePart::Cpu => environment.cpu.as_str().into(),
            MachinePart::Threads => environment.threads.to_string().into(),
        })
    }
}

/// A part of the machine or the program that differs from the one that recorded
/// the run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MachineDifference {
    /// Which part.
    pub part: MachinePart,
    /// Its value on this machine.
    pub found: String,
    /// Its value on the machine that recorded the run.
    pub expected: String,
}

impl fmt::Display for MachineDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MachineDifference {
            part,
            found,
            expected,
        } = self;
        write!(f, "{part} is {found}, was {expected}")
    }
}

/// A part of a [`Machine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachinePart {
    /// Digest of the running executable. It changes with another program and with
    /// a new build of the same program.
    Executable,
    /// Burn's version.
    Burn,
    /// Burn's backend.
    Backend,
    /// The device, with its adapter if the program named one.
    Device,
    /// Architecture and instruction sets of the CPU.
    Cpu,
    /// Number of threads.
    Threads,
}

impl MachinePart {
    /// Every part, in the order of [`Machine::differences`].
    pub const ALL: [MachinePart; 6] = [
        MachinePart::Executable,
        MachinePart::Burn,
        MachinePart::Backend,
        MachinePart::Device,
        MachinePart::Cpu,
        MachinePart::Threads,
    ];

    /// Whether equal steps may give other bits where this part differs: true for
    /// Burn's version, backend, device and CPU.
    ///
    /// Threads do not count: Burn's CPU backend Flex gave equal bits with one to
    /// four of them. Neither does the executable: it says which program ran, and
    /// the same program can be built again.
    pub fn affects_results(self) -> bool {
        match self {
            MachinePart::Burn | MachinePart::Backend | MachinePart::Device | MachinePart::Cpu => {
                true
            }
            MachinePart::Executable | MachinePart::Threads => false,
        }
    }
}

impl fmt::Display for MachinePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MachinePart::Executable => "executable",
            MachinePart::Burn => "burn",
            MachinePart::Backend => "backend",
            MachinePart::Device => "device",
            MachinePart::Cpu => "cpu",
            MachinePart::Threads => "threads",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            executable: Some(FileDigest::of(b"a program")),
            environment: Environment {
                burn: "0.22.1".into(),
                backend: "Flex".into(),
                device: "Cpu".into(),
                cpu: "x86_64".into(),
                threads: 2,
            },
            probe: None,
        }
    }

    #[test]
    fn each_part_is_compared() {
        let recorded = machine();
        assert_eq!(recorded.differences(&recorded), []);
        let mut now = machine();
        now.executable = Some(FileDigest::of(b"another"));
        now.environment = Environment {
            burn: "0.23.0".into(),
            backend: "Wgpu".into(),
            device: "a GPU".into(),
            cpu: "riscv64".into(),
            threads: 3,
        };
        let found = now.differences(&recorded);
        let parts: Vec<_> = found.iter().map(|difference| difference.part).collect();
        assert_eq!(parts, MachinePart::ALL);
        let lines: Vec<_> = found.iter().map(MachineDifference::to_string).collect();
        let expected = [
            "burn is 0.23.0, was 0.22.1",
            "backend is Wgpu, was Flex",
            "device is a GPU, was Cpu",
            "cpu is riscv64, was x86_64",
            "threads is 3, was 2",
        ];
        assert_eq!(lines[1..], expected);
    }

    #[test]
    fn an_unknown_executable_is_not_compared() {
        let mut recorded = machine();
        recorded.executable = None;
        assert_eq!(machine().differences(&recorded), []);
        assert_eq!(recorded.differences(&machine()), []);
        let known = machine().agrees_with(&recorded, MachinePart::Executable);
        assert_eq!(known, None);
    }

    #[test]
    fn results_depend_on_four_parts() {
        let recorded = machine();
        let mut another_build = machine();
        another_build.executable = None;
        another_build.environment.threads = 4;
        assert!(another_build.has_names_of(&recorded));
        let changes: [fn(&mut Environment); 4] = [
            |environment| environment.burn.push('1'),
            |environment| environment.backend.push('1'),
            |environment| environment.device.push('1'),
            |environment| environment.cpu.push('1'),
        ];
        for change in changes {
            let mut other = machine();
            change(&mut other.environment);
            assert!(!other.has_names_of(&recorded), "{other:?}");
        }
    }
}
