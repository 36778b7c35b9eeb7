//! What a disk may have on it after the power was cut, or the process killed, in the midst of what was recorded.
//!
//! The rules are those of POSIX, and no kinder: what is written to a file is safe once that file is synced, a name once its folder is.
//! Of all else, each sector of 512 bytes of each write may be there or not, in any order, or hold anything; a file may have grown
//! without its bytes.

use crate::disk::{Event, NAME};
use crate::random::Random;
use std::collections::BTreeMap;

const SECTOR: u64 = 512;

/// Files by their names.
#[derive(Debug, Clone, Default)]
pub struct Image {
    pub files: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// What was not synced may be lost.
    Power,
    /// Nothing is lost that the system was told.
    Kill,
}

enum Pending {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

#[derive(Default)]
struct Inode {
    safe: Vec<u8>,
    pending: Vec<Pending>,
    /// As programs see it.
    seen: Vec<u8>,
}

/// Goes through what was recorded, and can be cut anywhere.
pub struct Sweep<'l> {
    log: &'l [Event],
    at: usize,
    inodes: Vec<Inode>,
    safe_names: BTreeMap<String, usize>,
    pending_names: Vec<(String, Option<usize>)>,
    random: Random,
}

fn write(file: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let end = at as usize + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at as usize..end].copy_from_slice(bytes);
}

impl Pending {
    fn do_to(&self, file: &mut Vec<u8>) {
        match self {
            Pending::Write(at, bytes) => write(file, *at, bytes),
            Pending::Truncate(len) => file.resize(*len as usize, 0),
        }
    }

    /// Where each sector of it begins within its bytes, and ends.
    fn sectors(&self) -> Vec<(usize, usize)> {
        let Pending::Write(at, bytes) = self else { return Vec::new() };
        let mut sectors = Vec::new();
        let mut from = 0;
        while from < bytes.len() {
            let to = (from + (SECTOR - (at + from as u64) % SECTOR) as usize).min(bytes.len());
            sectors.push((from, to));
            from = to;
        }
        sectors
    }
}

impl<'l> Sweep<'l> {
    /// Begins with a disk on which everything is safe.
    pub fn new(image: &Image, log: &'l [Event], seed: u64) -> Self {
        let mut inodes = Vec::new();
        let mut safe_names = BTreeMap::new();
        for (name, bytes) in &image.files {
            safe_names.insert(name.clone(), inodes.len());
            inodes.push(Inode { safe: bytes.clone(), seen: bytes.clone(), pending: Vec::new() });
        }
        Self { log, at: 0, inodes, safe_names, pending_names: Vec::new(), random: Random(seed) }
    }

    /// Goes on until so many events have happened.
    pub fn go_to(&mut self, to: usize) {
        for event in &self.log[self.at..to] {
            self.take(event);
        }
        self.at = to;
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Create { name, inode } => {
                self.inodes.resize_with(self.inodes.len().max(inode + 1), Inode::default);
                self.pending_names.push((name.clone(), Some(*inode)));
            }
            Event::Delete { name } => self.pending_names.push((name.clone(), None)),
            Event::SyncFolder => {
                for (name, inode) in self.pending_names.drain(..) {
                    match inode {
                        Some(inode) => self.safe_names.insert(name, inode),
                        None => self.safe_names.remove(&name),
                    };
                }
            }
            Event::Write { inode, at, bytes } => {
                let inode = &mut self.inodes[*inode];
                write(&mut inode.seen, *at, bytes);
                inode.pending.push(Pending::Write(*at, bytes.clone()));
            }
            Event::Truncate { inode, len } => {
                let inode = &mut self.inodes[*inode];
                inode.seen.resize(*len as usize, 0);
                inode.pending.push(Pending::Truncate(*len));
            }
            Event::Sync { inode } => {
                let Inode { safe, pending, .. } = &mut self.inodes[*inode];
                pending.drain(..).for_each(|one| one.do_to(safe));
            }
            Event::SyncFailed { inode } => {
                // Linux says so once, and holds the pages for clean from then on: they are on the disk or not, for good.
                let Inode { safe, pending, .. } = &mut self.inodes[*inode];
                let pending = std::mem::take(pending);
                survive(safe, &pending, &mut self.random);
            }
            Event::Rewritten { inode, bytes } => {
                let inode = &mut self.inodes[*inode];
                inode.pending.clear();
                inode.safe.clone_from(bytes);
            }
            _ => {}
        }
    }

    /// What is on the disk if it ends here, in one of many ways.
    pub fn cut(&self, how: Cut, random: &mut Random) -> Image {
        let mut image = Image::default();
        let mut names = self.safe_names.clone();
        // File systems keep the order of names.
        let survive_names = match how {
            Cut::Kill => self.pending_names.len(),
            Cut::Power => random.below(self.pending_names.len() as u64 + 1) as usize,
        };
        for (name, inode) in &self.pending_names[..survive_names] {
            match inode {
                Some(inode) => names.insert(name.clone(), *inode),
                None => names.remove(name),
            };
        }
        // What was under way when it ended.
        let in_flight = match self.log.get(self.at) {
            Some(Event::Write { inode, at, bytes }) if random.percent(50) => {
                let length = random.below(bytes.len() as u64 + 1) as usize;
                Some((*inode, Pending::Write(*at, bytes[..length].to_vec())))
            }
            _ => None,
        };
        for (name, number) in names {
            let inode = &self.inodes[number];
            let mut file = match how {
                Cut::Kill => inode.seen.clone(),
                Cut::Power => {
                    let mut file = inode.safe.clone();
                    survive(&mut file, &inode.pending, random);
                    file
                }
            };
            if let Some((_, write)) = in_flight.as_ref().filter(|(inode, _)| *inode == number) {
                write.do_to(&mut file);
            }
            image.files.insert(name, file);
        }
        // Nothing is promised of what was in memory. A kill leaves it as it was, which is as odd to the next process as anything.
        if random.percent(30) {
            let garbage = (0..32_768).map(|_| random.next() as u8).collect();
            image.files.insert(format!("{NAME}-shm"), garbage);
        }
        image
    }
}

/// Does to a file what survives of what was not synced.
fn survive(file: &mut Vec<u8>, pending: &[Pending], random: &mut Random) {
    // Nothing, all, what came first and a torn one, what came last, or anything.
    let (way, share) = (random.below(8), random.one_of(&[5, 50, 95]));
    let border = random.below(pending.len() as u64 + 1) as usize;
    let is_garbage_left = random.percent(20);
    for (index, one) in pending.iter().enumerate() {
        let chance = match way {
            0 => 0,
            1 => 100,
            2 | 3 if index < border => 100,
            2 | 3 if index > border => 0,
            4 => u64::from(index >= border) * 100,
            _ => share,
        };
        match one {
            Pending::Truncate(_) => {
                if random.percent(chance) {
                    one.do_to(file);
                }
            }
            Pending::Write(at, bytes) => {
                for (from, to) in one.sectors() {
                    let place = at + from as u64;
                    if random.percent(chance) {
                        write(file, place, &bytes[from..to]);
                    } else if is_garbage_left && random.percent(10) {
                        let garbage: Vec<u8> = (from..to).map(|_| random.next() as u8).collect();
                        write(file, place, &garbage);
                    }
                }
            }
        }
    }
    // The file has grown, and its bytes have not come.
    let end =
        pending.iter().map(|one| if let Pending::Write(at, bytes) = one { at + bytes.len() as u64 } else { 0 }).max();
    if random.percent(20) && end.is_some_and(|end| end as usize > file.len()) {
        file.resize(end.unwrap_or(0) as usize, 0);
    }
}
