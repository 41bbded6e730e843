//! What is not as it was when a run was begun.

use burn::tensor::Device;
use pow_audit::replay::Machine;
use std::fmt;

/// A part of the machine or the program that has changed since a run was begun,
/// so that steps may come out with other bits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Which part.
    pub part: ChangedPart,
    /// As it is now.
    pub found: String,
    /// As genesis has it.
    pub expected: String,
}

/// What genesis says of machine and program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangedPart {
    /// Digest of the running executable: another program, or the same built anew.
    Executable,
    /// Burn's version.
    Burn,
    /// Burn's backend.
    Backend,
    /// The device, with its adapter if the program named one.
    Device,
    /// Architecture and instruction sets of the CPU.
    Cpu,
    /// Threads. Burn's CPU backend gave equal bits with one to four of them.
    Threads,
}

impl fmt::Display for ChangedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChangedPart::Executable => "executable",
            ChangedPart::Burn => "burn",
            ChangedPart::Backend => "backend",
            ChangedPart::Device => "device",
            ChangedPart::Cpu => "cpu",
            ChangedPart::Threads => "threads",
        })
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changed {
            part,
            found,
            expected,
        } = self;
        write!(f, "{part} is {found}, was {expected}")
    }
}

/// How `now` differs from the machine that a run was begun on. An executable
/// that one of both does not know is not compared.
pub(crate) fn changed(now: &Machine, begun: &Machine) -> Vec<Changed> {
    let digest = |machine: &Machine| machine.executable.map(|digest| digest.to_string());
    let (found, expected) = (&now.environment, &begun.environment);
    let (executable, before) = match (digest(now), digest(begun)) {
        (Some(now), Some(begun)) => (now, begun),
        _ => Default::default(),
    };
    let parts = [
        (ChangedPart::Executable, executable, before),
        (ChangedPart::Burn, found.burn.clone(), expected.burn.clone()),
        (
            ChangedPart::Backend,
            found.backend.clone(),
            expected.backend.clone(),
        ),
        (
            ChangedPart::Device,
            found.device.clone(),
            expected.device.clone(),
        ),
        (ChangedPart::Cpu, found.cpu.clone(), expected.cpu.clone()),
        (
            ChangedPart::Threads,
            found.threads.to_string(),
            expected.threads.to_string(),
        ),
    ];
    parts
        .into_iter()
        .filter(|(_, found, expected)| found != expected)
        .map(|(part, found, expected)| Changed {
            part,
            found,
            expected,
        })
        .collect()
}

/// The device as it trains: a model may be made on one without gradients, and
/// genesis names the one with them.
pub(crate) fn training_device(device: &Device) -> Device {
    match device.is_autodiff() {
        true => device.clone(),
        false => device.clone().autodiff(),
    }
}

/// One line for people.
pub(crate) fn warning(changed: &[Changed]) -> String {
    let parts: Vec<_> = changed.iter().map(Changed::to_string).collect();
    format!(
        "warning: not as when the run was begun, so steps may come out otherwise: {}",
        parts.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis::environment::environment;
    use pow_core::hash::FileDigest;

    fn machine() -> Machine {
        Machine {
            executable: Some(FileDigest::of(b"a program")),
            environment: environment(Some(&Device::flex().autodiff()), None),
        }
    }

    #[test]
    fn each_part_is_compared() {
        let begun = machine();
        assert_eq!(changed(&begun, &begun), []);
        let mut now = machine();
        now.executable = Some(FileDigest::of(b"another"));
        now.environment.burn = "0.23.0".into();
        now.environment.backend = "Wgpu".into();
        now.environment.device = "a GPU".into();
        now.environment.cpu = "riscv64".into();
        now.environment.threads += 1;
        let found = changed(&now, &begun);
        let parts: Vec<_> = found.iter().map(|changed| changed.part).collect();
        let all = [
            ChangedPart::Executable,
            ChangedPart::Burn,
            ChangedPart::Backend,
            ChangedPart::Device,
            ChangedPart::Cpu,
            ChangedPart::Threads,
        ];
        assert_eq!(parts, all);
        let line = warning(&found);
        assert!(
            line.contains("burn is 0.23.0, was 0.22.1; backend is Wgpu, was Flex"),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn an_executable_that_was_not_recorded_has_not_changed() {
        let mut begun = machine();
        begun.executable = None;
        assert_eq!(changed(&machine(), &begun), []);
    }

    #[test]
    fn a_model_without_gradients_trains_on_the_same_device() {
        let plain = Device::flex();
        let training = training_device(&plain);
        assert_eq!(format!("{training:?}"), format!("{:?}", plain.autodiff()));
    }
}
