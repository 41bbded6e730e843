//! Part of the workspace that is written next.
