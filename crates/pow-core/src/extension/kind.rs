//! The numbers of the types.

/// A type of extension that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ExtensionKind {
    /// How the machine that recorded the run computes ([`Probe`](super::Probe)).
    Probe,
    /// A block of Bitcoin's chain: the run began after it.
    BitcoinBlock,
    /// A round of the drand beacon: the run began after it.
    DrandRound,
    /// The state of another run, from which this one went on.
    Parent,
    /// The parameters of a published model, from which this run went on.
    BaseModel,
    /// A text that was written before the run, for instance a pre-registration.
    Declaration,
    /// Features of Burn that choose other kernels.
    BurnFeatures,
    /// How a sampler chooses the samples of each epoch.
    SampledOrder,
}

/// All types: number and name. Numbers below 16 have no meaning: runs from before
/// types were defined have such extensions.
const KINDS: [(ExtensionKind, u32, &str); 8] = [
    (ExtensionKind::Probe, 16, "numerics probe"),
    (ExtensionKind::BitcoinBlock, 17, "Bitcoin block"),
    (ExtensionKind::DrandRound, 18, "drand round"),
    (ExtensionKind::Parent, 19, "parent"),
    (ExtensionKind::BaseModel, 20, "base model"),
    (ExtensionKind::Declaration, 21, "declaration"),
    (ExtensionKind::BurnFeatures, 22, "Burn features"),
    (ExtensionKind::SampledOrder, 23, "sampled order"),
];

impl ExtensionKind {
    /// The type with this number. `None` if this version knows none.
    ///
    /// ```
    /// use pow_core::extension::ExtensionKind;
    /// assert_eq!(ExtensionKind::of(16), Some(ExtensionKind::Probe));
    /// assert_eq!(ExtensionKind::of(0), None);
    /// ```
    pub fn of(number: u32) -> Option<Self> {
        let known = KINDS.iter().find(|known| known.1 == number);
        known.map(|known| known.0)
    }

    /// The number in genesis.
    pub fn number(self) -> u32 {
        self.entry().1
    }

    /// The name, for people.
    pub fn name(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> (ExtensionKind, u32, &'static str) {
        let at = match self {
            ExtensionKind::Probe => 0,
            ExtensionKind::BitcoinBlock => 1,
            ExtensionKind::DrandRound => 2,
            ExtensionKind::Parent => 3,
            ExtensionKind::BaseModel => 4,
            ExtensionKind::Declaration => 5,
            ExtensionKind::BurnFeatures => 6,
            ExtensionKind::SampledOrder => 7,
        };
        KINDS[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_types_lead_to_each_other() {
        for (kind, number, name) in KINDS {
            assert_eq!(ExtensionKind::of(number), Some(kind));
            assert_eq!((kind.number(), kind.name()), (number, name));
        }
        assert_eq!(ExtensionKind::of(24), None);
    }
}
