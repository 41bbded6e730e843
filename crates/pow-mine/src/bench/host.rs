//! The machine that is measured.

use std::fmt;

/// The machine, described by what is easy to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// The CPU's name. Known only on Linux, which has it in a file.
    pub cpu: Option<String>,
    /// The instruction set, such as `x86_64`.
    pub arch: &'static str,
    /// The operating system, such as `linux`.
    pub os: &'static str,
    /// The number of threads that the system runs at the same time.
    pub cores: usize,
}

impl Host {
    /// The machine that this program runs on.
    pub fn this() -> Self {
        Host {
            cpu: cpu_name(),
            arch: std::env::consts::ARCH,
            os: std::env::consts::OS,
            cores: pow_cpu::Threads::all().get(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cpu) = &self.cpu {
            write!(f, "{cpu}, ")?;
        }
        let threads = if self.cores == 1 { "thread" } else { "threads" };
        write!(f, "{} {threads}, {} {}", self.cores, self.arch, self.os)
    }
}

fn cpu_name() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned())
}
