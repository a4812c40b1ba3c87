//! Runs a process to its end and says what it printed and what it cost. Knows nothing of what it runs.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Result;

/// What one process cost.
#[derive(Clone, Copy)]
pub struct Cost {
    /// From its start to its end.
    pub seconds: f64,
    /// User and system time.
    pub cpu_seconds: f64,
    /// The most memory that was resident at once.
    pub peak_bytes: u64,
}

/// Runs `command`; its errors go to ours.
///
/// # Errors
/// It cannot be started, or ends with anything but 0.
pub fn run(command: &mut Command) -> Result<(String, Cost)> {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut answer = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut answer)?;
    }
    let (status, usage) = wait(libc::pid_t::try_from(child.id())?)?;
    let seconds = started.elapsed().as_secs_f64();
    if !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != 0 {
        return Err(format!("{command:?} failed").into());
    }
    let time = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    let peak_bytes = u64::try_from(usage.ru_maxrss)? * 1024;
    Ok((answer, Cost { seconds, cpu_seconds: time(usage.ru_utime) + time(usage.ru_stime), peak_bytes }))
}

fn wait(pid: libc::pid_t) -> io::Result<(libc::c_int, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live values of the right types; the pid is that of our child, which nobody else
        // waits for.
        if unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) } == pid {
            // SAFETY: all zeroes are a valid value, and wait4 has written one.
            return Ok((status, unsafe { usage.assume_init() }));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
