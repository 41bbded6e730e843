//! How much is measured.

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// A quarter of a minute: enough to see that everything works.
    Quick,
    /// About ten minutes on two cores.
    Default,
    /// One to two hours.
    Full,
}

/// What one section measures.
pub trait SectionPlan: Sized {
    /// The plan of the size `Quick`.
    fn quick() -> Self;
    /// The plan of the size `Default`.
    fn standard() -> Self;
    /// The plan of the size `Full`.
    fn full() -> Self;

    /// The plan of a size.
    fn of(size: Size) -> Self {
        match size {
            Size::Quick => Self::quick(),
            Size::Default => Self::standard(),
            Size::Full => Self::full(),
        }
    }
}
