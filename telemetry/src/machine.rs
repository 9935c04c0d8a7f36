//! Measures the machine as a whole: its CPUs, memory, disks and network, from the kernel's files.
//! The sampler calls this module. A row leaves out the numbers that these files do not contain.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use crate::row::Row;

/// The number of bytes in one "MB" of the system metrics: a mebibyte, as in W&B.
pub(crate) const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1_073_741_824.0;
/// The size in bytes of the sectors in which the kernel counts disk traffic. It does not depend on
/// the disk's own sector size.
const SECTOR_BYTES: u64 = 512;
/// The maximum number of cores with a number of their own in a row. The bound keeps rows small on
/// large machines.
const MAX_CORES: usize = 64;

/// A sampler of the machine, with the earlier values of its counters.
#[derive(Debug)]
pub(crate) struct Machine {
    folder: PathBuf,
    /// The names of the whole disks. The partitions of a disk are left out, because they count the
    /// same bytes again.
    disks: HashSet<String>,
    cards: HashSet<String>,
    cpus: Vec<Load>,
    first: Moved,
}

/// The CPU time of one core or of all cores since boot, in clock ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Load {
    busy: u64,
    all: u64,
}

/// The bytes that the disks and the network have moved since boot: (read, written) and (received,
/// sent). `None` if the kernel reports no disk or no network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Moved {
    disk: Option<(u64, u64)>,
    network: Option<(u64, u64)>,
}

impl Machine {
    /// Reads the first values of the counters. The samples report the usage of the filesystem that
    /// contains `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        let disks = devices("/sys/block");
        let cards = devices("/sys/class/net");
        let cpus = loads(&read("/proc/stat"));
        let mut machine = Self { folder, disks, cards, cpus, first: Moved::default() };
        machine.first = machine.moved();
        machine
    }

    /// Returns the number of CPUs, at least one.
    pub(crate) fn cores(&self) -> usize {
        self.cpus.len().saturating_sub(1).max(1)
    }

    /// Adds the current numbers to `row`.
    pub(crate) fn sample(&mut self, row: &mut Row) {
        let cpus = loads(&read("/proc/stat"));
        // The first line is the sum over all CPUs, and each further line is one core. A sample
        // after a core was switched on or off has no CPU numbers, because the lines do not match.
        if cpus.len() == self.cpus.len() {
            for (at, (now, before)) in cpus.iter().zip(&self.cpus).enumerate().take(MAX_CORES + 1) {
                let all = now.all.saturating_sub(before.all);
                if all > 0 {
                    let name = if at == 0 {
                        "cpu_percent".to_owned()
                    } else {
                        format!("cpu.{}.cpu_percent", at - 1)
                    };
                    row.put(
                        &name,
                        100.0 * now.busy.saturating_sub(before.busy) as f64 / all as f64,
                    );
                }
            }
        }
        self.cpus = cpus;
        memory(&read("/proc/meminfo"), row);
        filesystem(&self.folder, row);
        let moved = self.moved();
        // When a device is unplugged, its bytes disappear from the total, so the total can fall
        // below its first value.
        let since = |now: u64, first: u64| now.saturating_sub(first) as f64;
        if let (Some(now), Some(first)) = (moved.disk, self.first.disk) {
            row.put("disk.in", since(now.0, first.0) / MIB);
            row.put("disk.out", since(now.1, first.1) / MIB);
        }
        if let (Some(now), Some(first)) = (moved.network, self.first.network) {
            row.put("network.recv", since(now.0, first.0));
            row.put("network.sent", since(now.1, first.1));
        }
    }

    fn moved(&self) -> Moved {
        Moved {
            disk: disk_bytes(&read("/proc/diskstats"), &self.disks),
            network: network_bytes(&read("/proc/net/dev"), &self.cards),
        }
    }
}

/// Returns the text of a file, or an empty text if it cannot be read.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Returns the names of the hardware devices in a folder of /sys. Virtual devices are left out,
/// because they count the bytes of other devices again.
fn devices(folder: &str) -> HashSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return HashSet::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| Path::new(folder).join(name).join("device").exists()).collect()
}

fn numbers<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<u64> {
    fields.map_while(|field| field.parse().ok()).collect()
}

/// Returns the load of all CPUs together, and then the load of each CPU.
fn loads(stat: &str) -> Vec<Load> {
    let lines = stat.lines().take_while(|line| line.starts_with("cpu"));
    lines
        .map(|line| {
            // The fields are user, nice, system, idle, iowait, irq, softirq and steal. The fields
            // after these (guest times) are left out, because user and nice include them.
            let ticks = numbers(line.split_ascii_whitespace().skip(1).take(8));
            let all = ticks.iter().sum();
            let idle: u64 = ticks.iter().skip(3).take(2).sum();
            Load { busy: all - idle, all }
        })
        .collect()
}

fn memory(meminfo: &str, row: &mut Row) {
    let mib = |name: &str| -> Option<f64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kib: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kib / 1024.0)
    };
    if let (Some(total), Some(available)) = (mib("MemTotal"), mib("MemAvailable"))
        && total > 0.0
    {
        row.put("memory_percent", 100.0 * (total - available) / total);
        row.put("memory.usedMB", total - available);
        row.put("proc.memory.availableMB", available);
        row.memory_mib = total;
    }
    if let (Some(total), Some(free)) = (mib("SwapTotal"), mib("SwapFree"))
        && total > 0.0
    {
        row.put("swap.usedMB", total - free);
        row.put("swap.percent", 100.0 * (total - free) / total);
    }
}

fn filesystem(folder: &Path, row: &mut Row) {
    let Ok(about) = rustix::fs::statvfs(folder) else { return };
    let (used, available) = (about.f_blocks.saturating_sub(about.f_bfree), about.f_bavail);
    // As in `df`, the space that is reserved for root counts as neither used nor available.
    if used + available > 0 {
        row.put("disk.usagePercent", 100.0 * used as f64 / (used + available) as f64);
        row.put("disk.usageGB", used as f64 * about.f_frsize as f64 / GIB);
    }
}

/// Returns the bytes read and written, or `None` if the text lists none of the disks.
fn disk_bytes(diskstats: &str, disks: &HashSet<String>) -> Option<(u64, u64)> {
    let ours = diskstats.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(2);
        if !disks.contains(fields.next()?) {
            return None;
        }
        let counts = numbers(fields);
        Some((counts.get(2)? * SECTOR_BYTES, counts.get(6)? * SECTOR_BYTES))
    });
    ours.reduce(|one, two| (one.0 + two.0, one.1 + two.1))
}

/// Returns the bytes received and sent over the machine's network cards. If there are no cards, as
/// in a container, it counts all interfaces except the loopback. Returns `None` if there is no such
/// interface.
fn network_bytes(dev: &str, cards: &HashSet<String>) -> Option<(u64, u64)> {
    let lines = dev.lines().filter_map(|line| line.split_once(':'));
    let ours = lines.filter_map(|(name, counts)| {
        let name = name.trim();
        if name == "lo" || !(cards.is_empty() || cards.contains(name)) {
            return None;
        }
        let counts = numbers(counts.split_ascii_whitespace());
        Some((*counts.first()?, *counts.get(8)?))
    });
    ours.reduce(|one, two| (one.0 + two.0, one.1 + two.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn waiting_for_a_disk_does_not_count_as_busy() {
        let stat = "cpu  10 1 5 100 20 1 1 2 3 3\ncpu0 10 1 5 100 20 1 1 2 3 3\nintr 5\n";
        assert_eq!(loads(stat), [Load { busy: 20, all: 140 }; 2]);
        assert_eq!(loads(""), []);
    }

    #[test]
    fn parts_of_a_disk_do_not_count_twice() {
        let stats = "   8  0 sda 5 0 100 0 7 0 10 0 0 0 0\n   8  1 sda1 5 0 100 0 7 0 10 0 0 0 0\n";
        assert_eq!(disk_bytes(stats, &set(&["sda"])), Some((51_200, 5_120)));
        assert_eq!(disk_bytes(stats, &set(&["sdb"])), None);
    }

    #[test]
    fn the_loopback_does_not_count_as_network() {
        let dev = "Inter-|\n face |bytes\n    lo: 9 1 0 0 0 0 0 0 9 1\n  eth0:100 1 0 0 0 0 0 0 \
            200 1\n veth1: 7 1 0 0 0 0 0 0 7 1\n";
        assert_eq!(network_bytes(dev, &set(&["eth0"])), Some((100, 200)));
        assert_eq!(network_bytes(dev, &set(&[])), Some((107, 207)));
    }

    #[test]
    fn used_memory_is_the_memory_that_is_not_available() {
        let mut row = Row::default();
        memory(
            "MemTotal: 4096 kB\nMemFree: 1 kB\nMemAvailable: 3072 kB\nSwapTotal: 0 kB\nSwapFree: \
            0 kB\n",
            &mut row,
        );
        assert_eq!(row.get("system.memory_percent"), Some(25.0));
        assert_eq!(row.get("system.memory.usedMB"), Some(1.0));
        assert_eq!(row.get("system.swap.percent"), None, "there is no swap");
    }
}
