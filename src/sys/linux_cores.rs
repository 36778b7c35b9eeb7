//! How many cores this process may use: those that it may be scheduled on, or fewer where its control group has a quota.
//! std's `available_parallelism` says the same, and ends the process where memory is short.

use std::fs::File;
use std::io::Read;
use std::str::FromStr;

pub(super) fn cores() -> u32 {
    let quota = quota().unwrap_or(u32::MAX);
    affinity().min(quota).max(1)
}

fn affinity() -> u32 {
    // SAFETY: a set of all zeros is an empty one, and its size is what the call is told.
    let (known, set) = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        (libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set), set)
    };
    // SAFETY: a real set; plain calls.
    let count = unsafe {
        match known {
            0 => libc::CPU_COUNT(&set).into(),
            // More cores than fit the set.
            _ => libc::sysconf(libc::_SC_NPROCESSORS_ONLN),
        }
    };
    u32::try_from(count).unwrap_or(1)
}

/// The least quota of the control group and those around it, in whole cores.
fn quota() -> Option<u32> {
    let mut buffer = [0; 4096];
    // A line a hierarchy: `number:controllers:path`; that of version 2 has the number 0.
    let lines = read("/proc/self/cgroup", &mut buffer)?.lines();
    let of_group = lines.filter_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let version_1 = controllers.split(',').any(|controller| controller == "cpu");
        let root = if version_1 { "/sys/fs/cgroup/cpu" } else { "/sys/fs/cgroup" };
        (version_1 || number == "0").then(|| least_quota(root, path, version_1)).flatten()
    });
    of_group.min()
}

fn least_quota(root: &str, mut path: &str, version_1: bool) -> Option<u32> {
    let mut least = None;
    loop {
        path = path.trim_end_matches('/');
        let quota = if version_1 { quota_1(root, path) } else { quota_2(root, path) };
        least = match (least, quota) {
            (Some(least), Some(quota)) => Some(u32::min(least, quota)),
            (least, quota) => least.or(quota),
        };
        let Some((parent, _)) = path.rsplit_once('/') else { return least };
        path = parent;
    }
}

/// `max 100000`, or microseconds of so many.
fn quota_2(root: &str, path: &str) -> Option<u32> {
    let mut buffer = [0; 64];
    let (quota, period) = read_in(root, path, "cpu.max", &mut buffer)?.trim().split_once(' ')?;
    whole(quota, period)
}

fn quota_1(root: &str, path: &str) -> Option<u32> {
    let (mut buffer, mut other) = ([0; 64], [0; 64]);
    let quota = read_in(root, path, "cpu.cfs_quota_us", &mut buffer)?;
    whole(quota.trim(), read_in(root, path, "cpu.cfs_period_us", &mut other)?.trim())
}

/// `None`: no quota, which version 1 says by -1 and version 2 by a word.
fn whole(quota: &str, period: &str) -> Option<u32> {
    let cores = u64::from_str(quota).ok()?.checked_div(u64::from_str(period).ok()?)?;
    Some(u32::try_from(cores).unwrap_or(u32::MAX).max(1))
}

fn read_in<'a>(root: &str, path: &str, file: &str, buffer: &'a mut [u8]) -> Option<&'a str> {
    // As long as std opens without an allocation.
    let mut whole = [0; 380];
    let mut len = 0;
    for piece in [root, path, "/", file] {
        whole.get_mut(len..len + piece.len())?.copy_from_slice(piece.as_bytes());
        len += piece.len();
    }
    read(std::str::from_utf8(&whole[..len]).ok()?, buffer)
}

/// The start of a file, up to the length of the buffer.
fn read<'a>(path: &str, buffer: &'a mut [u8]) -> Option<&'a str> {
    let mut file = File::open(path).ok()?;
    let mut len = 0;
    loop {
        match file.read(&mut buffer[len..]) {
            Ok(0) | Err(_) => break,
            Ok(more) => len += more,
        }
    }
    std::str::from_utf8(&buffer[..len]).ok()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_cores_as_std_says() {
        assert_eq!(cores() as usize, std::thread::available_parallelism().unwrap().get());
    }

    #[test]
    fn the_least_quota_of_a_group_and_those_around_it_counts() {
        let root = std::env::temp_dir().join(format!("backrun-cores-{}", std::process::id()));
        let inner = root.join("outer/inner");
        std::fs::create_dir_all(&inner).unwrap();
        let root_name = root.to_str().unwrap();
        let quota = |path: &str| least_quota(root_name, path, false);
        assert_eq!(quota("/outer/inner"), None);
        std::fs::write(inner.join("cpu.max"), "max 100000\n").unwrap();
        assert_eq!(quota("/outer/inner"), None);
        std::fs::write(root.join("outer/cpu.max"), "250000 100000\n").unwrap();
        assert_eq!(quota("/outer/inner"), Some(2));
        assert_eq!(quota("/"), None);
        std::fs::write(inner.join("cpu.max"), "50000 100000\n").unwrap();
        assert_eq!(quota("/outer/inner"), Some(1), "never none");
        std::fs::write(root.join("outer/cpu.cfs_quota_us"), "400000\n").unwrap();
        std::fs::write(root.join("outer/cpu.cfs_period_us"), "100000\n").unwrap();
        std::fs::write(inner.join("cpu.cfs_quota_us"), "-1\n").unwrap();
        std::fs::write(inner.join("cpu.cfs_period_us"), "100000\n").unwrap();
        assert_eq!(least_quota(root_name, "/outer/inner", true), Some(4));
        std::fs::remove_dir_all(root).unwrap();
    }
}
