//! The machine that trains, compared with the machine that started the run.

use burn::tensor::Device;
use pow_audit::display::printable;
use pow_audit::replay::{Machine, MachineDifference};

/// The device with gradients. A model may be made on a device without them, but
/// genesis names the device that trains.
pub(crate) fn training_device(device: &Device) -> Device {
    match device.is_autodiff() {
        true => device.clone(),
        false => device.clone().autodiff(),
    }
}

/// The operations that both machines were probed for, and on which they disagree.
pub(crate) fn operations_apart(machine: &Machine, recorded: &Machine) -> Vec<String> {
    let (Some(here), Some(there)) = (&machine.probe, &recorded.probe) else {
        return Vec::new();
    };
    let apart = there.disagreements(here).into_iter();
    let apart = apart.filter(|name| here.operation(name).is_some());
    apart.map(String::from).collect()
}

/// A warning in one line. `differences` or `operations` is not empty. Genesis may be a
/// stranger's, so its texts are escaped.
pub(crate) fn warning(differences: &[MachineDifference], operations: &[String]) -> String {
    let mut parts: Vec<_> = differences
        .iter()
        .map(|difference| printable(&difference.to_string()))
        .collect();
    if !operations.is_empty() {
        parts.push(format!(
            "it computes differently: {}",
            printable(&operations.join(", "))
        ));
    }
    format!(
        "warning: this is not the machine or program that started the run, so steps may differ: {}",
        parts.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesis::environment::environment;

    #[test]
    fn the_warning_is_one_line_that_names_each_part() {
        let started_on = Machine {
            executable: None,
            environment: environment(Some(&Device::flex().autodiff()), None),
            probe: None,
        };
        let mut now = started_on.clone();
        now.environment.burn = "0.23.0".into();
        now.environment.backend = "Wgpu".into();
        let line = warning(&now.differences(&started_on), &["exp".into()]);
        for part in ["burn is 0.23.0", "0.22.1", "backend is Wgpu", "Flex", "exp"] {
            assert!(line.contains(part), "{line}");
        }
        assert_eq!(line.lines().count(), 1);
        // Also if genesis is a stranger's.
        let mut hostile = started_on.clone();
        hostile.environment.cpu = "x\n\u{1b}[2J\u{9b}\u{202e}".into();
        let line = warning(&now.differences(&hostile), &[]);
        assert!(line.contains("x\\n\\u{1b}[2J\\u{9b}\\u{202e}"), "{line}");
    }

    #[test]
    fn a_model_without_gradients_trains_on_the_same_device() {
        let plain = Device::flex();
        let training = training_device(&plain);
        assert_eq!(format!("{training:?}"), format!("{:?}", plain.autodiff()));
    }
}
