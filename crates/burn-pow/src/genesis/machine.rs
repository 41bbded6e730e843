//! The machine that trains, compared with the machine that started the run.

use burn::tensor::Device;
use pow_audit::display::printable;
use pow_audit::replay::Machine;

/// The device with gradients. A model may be made on a device without them, but
/// genesis names the device that trains.
pub(crate) fn training_device(device: &Device) -> Device {
    match device.is_autodiff() {
        true => device.clone(),
        false => device.clone().autodiff(),
    }
}

/// The operations that both machines were probed for, and on which they disagree. `None`
/// if one of them was not probed.
fn operations_apart(machine: &Machine, recorded: &Machine) -> Option<Vec<String>> {
    let (here, there) = (machine.probe.as_ref()?, recorded.probe.as_ref()?);
    let apart = there.disagreements(here).into_iter();
    let apart = apart.filter(|name| here.operation(name).is_some());
    Some(apart.map(String::from).collect())
}

/// What to tell somebody who resumes a run on this machine, in one line. `None` if it is
/// the machine and the program that started the run. Genesis may be a stranger's, so its
/// texts are escaped.
pub(crate) fn notice(machine: &Machine, recorded: &Machine) -> Option<String> {
    let differences = machine.differences(recorded);
    let names: Vec<_> = differences.iter().map(ToString::to_string).collect();
    let names = printable(&names.join("; "));
    match operations_apart(machine, recorded) {
        Some(operations) if !operations.is_empty() => Some(format!(
            "warning: this machine computes differently from the one that started the run ({}). \
             No machine can then replay all steps bit for bit. Stop now, before the first step, \
             to resume on a machine like the first, or to begin a new run here that goes on from \
             this one (PowConfig::origin)",
            printable(&operations.join(", "))
        )),
        _ if differences.is_empty() => None,
        Some(_) => Some(format!(
            "note: this is not the machine or program that started the run ({names}), but it \
             computes alike in every probed operation"
        )),
        None => Some(format!(
            "warning: this is not the machine or program that started the run, so steps may \
             differ: {names}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis::environment::environment;
    use pow_core::extension::{Operation, Probe};
    use pow_core::hash::ParameterRoot;

    fn machine(probe: Option<&[(&str, u8)]>) -> Machine {
        let operations = probe.map(|operations| {
            let each = operations.iter().map(|(name, digest)| Operation {
                name: (*name).into(),
                digest: Some(ParameterRoot([*digest; 32])),
            });
            Probe::new(each.collect()).unwrap()
        });
        Machine {
            executable: None,
            environment: environment(Some(&Device::flex().autodiff()), None),
            probe: operations,
        }
    }

    #[test]
    fn the_same_machine_needs_no_notice() {
        for probe in [None, Some([("exp", 1)].as_slice())] {
            assert_eq!(notice(&machine(probe), &machine(probe)), None);
        }
    }

    #[test]
    fn without_a_probe_other_names_are_a_warning() {
        let started_on = machine(None);
        let mut now = machine(Some(&[("exp", 1)]));
        now.environment.burn = "0.23.0".into();
        now.environment.backend = "Wgpu".into();
        let line = notice(&now, &started_on).unwrap();
        assert!(line.starts_with("warning: "), "{line}");
        for part in ["burn is 0.23.0", "0.22.1", "backend is Wgpu", "Flex"] {
            assert!(line.contains(part), "{line}");
        }
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn other_names_that_compute_alike_are_a_note() {
        let started_on = machine(Some(&[("exp", 1), ("random normal", 2)]));
        // A resume does not draw.
        let mut now = machine(Some(&[("exp", 1)]));
        now.environment.cpu = "riscv64".into();
        let line = notice(&now, &started_on).unwrap();
        assert!(
            line.starts_with("note: ") && line.contains("cpu is riscv64"),
            "{line}"
        );
    }

    #[test]
    fn what_computes_differently_is_named() {
        let started_on = machine(Some(&[("exp", 1), ("tanh", 2)]));
        // Whatever its names are.
        let now = machine(Some(&[("exp", 1), ("tanh", 3)]));
        let line = notice(&now, &started_on).unwrap();
        assert!(
            line.starts_with("warning: ") && line.contains("(tanh)"),
            "{line}"
        );
    }

    #[test]
    fn texts_of_a_hostile_genesis_are_escaped() {
        let mut hostile = machine(None);
        hostile.environment.cpu = "x\n\u{1b}[2J\u{9b}\u{202e}".into();
        let line = notice(&machine(None), &hostile).unwrap();
        assert!(line.contains("x\\n\\u{1b}[2J\\u{9b}\\u{202e}"), "{line}");
    }

    #[test]
    fn a_model_without_gradients_trains_on_the_same_device() {
        let plain = Device::flex();
        let training = training_device(&plain);
        assert_eq!(format!("{training:?}"), format!("{:?}", plain.autodiff()));
    }
}
