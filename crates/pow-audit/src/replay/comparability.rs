//! Whether equal bits can be expected on two machines.

use super::machine::{Machine, MachinePart};

/// Whether equal steps must give equal bits on a machine and on the one that recorded
/// the run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparability {
    /// Both were probed, and agree on every operation that genesis names.
    Measured,
    /// Genesis has no probe. Burn's version, backend, device and CPU have the same
    /// names on both.
    Inferred,
    /// Genesis has a probe, and this machine was not probed.
    Unknown,
    /// They compute differently, or have different names: one text for each operation
    /// or part.
    Differs(Vec<String>),
}

impl Comparability {
    /// Compares a machine with the one that recorded the run.
    pub fn of(machine: &Machine, recorded: &Machine) -> Self {
        let Some(probe) = &recorded.probe else {
            let differences = machine.differences(recorded);
            let named: Vec<String> = differences
                .iter()
                .filter(|difference| MachinePart::affects_results(difference.part))
                .map(ToString::to_string)
                .collect();
            return match named.is_empty() {
                true => Comparability::Inferred,
                false => Comparability::Differs(named),
            };
        };
        let Some(here) = &machine.probe else {
            return Comparability::Unknown;
        };
        let apart = probe.disagreements(here).into_iter();
        let apart: Vec<String> = apart.map(String::from).collect();
        match apart.is_empty() {
            true => Comparability::Measured,
            false => Comparability::Differs(apart),
        }
    }

    /// Whether equal bits can be expected.
    pub fn expects_equal_bits(&self) -> bool {
        matches!(self, Comparability::Measured | Comparability::Inferred)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::body::Environment;
    use pow_core::extension::{Operation, Probe};
    use pow_core::hash::ParameterRoot;

    fn machine(cpu: &str, probe: Option<u8>) -> Machine {
        let operation = |byte| Operation {
            name: "exp".into(),
            digest: Some(ParameterRoot([byte; 32])),
        };
        Machine {
            executable: None,
            environment: Environment {
                burn: "0.22.1".into(),
                backend: "Flex".into(),
                device: "Cpu".into(),
                cpu: cpu.into(),
                threads: 1,
            },
            probe: probe.map(|byte| Probe::new(vec![operation(byte)]).unwrap()),
        }
    }

    #[test]
    fn a_probe_counts_for_more_than_names() {
        let of = |here: &Machine, recorded: &Machine| Comparability::of(here, recorded);
        let recorded = machine("a", Some(1));
        assert_eq!(
            of(&machine("b", Some(1)), &recorded),
            Comparability::Measured
        );
        let apart = Comparability::Differs(vec!["exp".into()]);
        assert_eq!(of(&machine("a", Some(2)), &recorded), apart);
        assert_eq!(of(&machine("a", None), &recorded), Comparability::Unknown);
    }

    #[test]
    fn without_a_probe_names_decide() {
        let recorded = machine("a", None);
        let of = |here: &Machine| Comparability::of(here, &recorded);
        assert_eq!(of(&machine("a", Some(1))), Comparability::Inferred);
        assert_eq!(of(&machine("a", None)), Comparability::Inferred);
        let apart = Comparability::Differs(vec!["cpu is b, was a".into()]);
        assert_eq!(of(&machine("b", Some(1))), apart);
        assert!(!apart.expects_equal_bits());
    }
}
