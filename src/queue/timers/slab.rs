//! The memory of a wheel: nodes in chunks, which are got one by one and given back when they are empty.
//!
//! One growing list would be copied whole whenever it grows, could have twice the room that it needs, and would never shrink while
//! one timer is left in it.

use crate::alloc::{self, Ensure, NoMemory};

/// No node, or no chunk.
pub(super) const NONE: u32 = u32::MAX;
/// In place of `prev`: the node is no timer.
const FREE: u32 = u32::MAX - 1;

/// Nodes of a chunk: 6 KiB, so that an engine with one timer pays little and a few that wait for long keep little.
pub(super) const CHUNK: usize = 256;
/// So that no node's index is `NONE` or `FREE`.
const MOST_CHUNKS: usize = (FREE as usize) / CHUNK;
/// With more chunks than these in it, the list of chunks is given back too once no timer is left.
const SMALL_LIST: usize = 16;

/// A timer, and its place in the list of a slot; or a free place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) deadline_ms: u64,
    pub(super) key: u64,
    pub(super) next: u32,
    pub(super) prev: u32,
}

/// Nodes, some of them free; or the place of a chunk that was given back.
#[derive(Debug)]
struct Chunk {
    /// With room for [`CHUNK`], or without any room.
    nodes: Vec<Node>,
    /// The first free one of those that were in use before.
    free: u32,
    used: u32,
    /// In the list of those in use with room, of the empty ones, or of those given back.
    next: u32,
    /// In the first of these lists.
    prev: u32,
}

#[derive(Debug)]
pub(super) struct Slab {
    chunks: Vec<Chunk>,
    /// The first chunk with nodes of both kinds. Those that were full a moment ago come first, so that emptier ones run empty.
    roomy: u32,
    /// The first chunk with free nodes only: used when no other has room.
    empty: u32,
    /// The first place of a chunk that was given back.
    vacant: u32,
    /// How many chunks have memory.
    live: usize,
    len: usize,
    /// How many more nodes were promised to be there.
    promised: usize,
}

impl Slab {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), roomy: NONE, empty: NONE, vacant: NONE, live: 0, len: 0, promised: 0 }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn free(&self) -> usize {
        self.live * CHUNK - self.len
    }

    /// Makes room for so many more, and keeps it until they have come. On an error nothing has changed.
    pub(super) fn promise(&mut self, more: usize) -> Result<(), NoMemory> {
        self.make_room(more)?;
        self.promised = self.promised.max(more);
        Ok(())
    }

    /// Makes room for so many more. On an error nothing has changed.
    pub(super) fn make_room(&mut self, more: usize) -> Result<(), NoMemory> {
        if more <= self.free() {
            return Ok(());
        }
        let refused = NoMemory { bytes: more.saturating_mul(size_of::<Node>()) };
        let chunks = (more - self.free()).div_ceil(CHUNK);
        if chunks > MOST_CHUNKS - self.live {
            return Err(refused);
        }
        for made in 0..chunks {
            if self.add_chunk().is_err() {
                for _ in 0..made {
                    self.give_back();
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    /// A place for a node, for which there is room.
    pub(super) fn take(&mut self, node: Node) -> u32 {
        if self.roomy == NONE {
            let at = self.empty;
            self.empty = self.chunks[at as usize].next;
            self.link(at);
        }
        let at = self.roomy;
        let chunk = &mut self.chunks[at as usize];
        let offset = chunk.free;
        let offset = if offset == NONE {
            // There is room: the chunk is one of those with a free node.
            chunk.nodes.push(node);
            chunk.nodes.len() as u32 - 1
        } else {
            let place = &mut chunk.nodes[offset as usize];
            chunk.free = place.next;
            *place = node;
            offset
        };
        chunk.used += 1;
        if chunk.used as usize == CHUNK {
            self.unlink(at);
        }
        self.len += 1;
        self.promised = self.promised.saturating_sub(1);
        at * CHUNK as u32 + offset
    }

    /// What was in a place that is free from now on.
    pub(super) fn give(&mut self, index: u32) -> Node {
        let at = index / CHUNK as u32;
        let offset = index % CHUNK as u32;
        let chunk = &mut self.chunks[at as usize];
        let place = &mut chunk.nodes[offset as usize];
        let node = *place;
        assert!(node.prev != FREE, "a timer was cancelled that had fired or was cancelled before");
        place.prev = FREE;
        place.next = chunk.free;
        chunk.free = offset;
        chunk.used -= 1;
        self.len -= 1;
        let used = chunk.used as usize;
        if used == CHUNK - 1 {
            self.link(at);
        }
        if used == 0 {
            self.unlink(at);
            self.chunks[at as usize].next = std::mem::replace(&mut self.empty, at);
        }
        // One chunk's worth stays free besides, so that a few more and a few less do not allocate at each turn.
        if self.empty != NONE && self.free() - CHUNK >= self.promised.max(CHUNK) {
            self.give_back();
        }
        if self.len == 0 && self.promised == 0 && self.chunks.len() > SMALL_LIST {
            *self = Self::new();
        }
        node
    }

    /// What is in a place, if that is a timer.
    pub(super) fn find(&self, index: u32) -> Option<&Node> {
        let node = self.chunks.get(index as usize / CHUNK)?.nodes.get(index as usize % CHUNK)?;
        (node.prev != FREE).then_some(node)
    }

    pub(super) fn node(&self, index: u32) -> &Node {
        &self.chunks[index as usize / CHUNK].nodes[index as usize % CHUNK]
    }

    pub(super) fn node_mut(&mut self, index: u32) -> &mut Node {
        &mut self.chunks[index as usize / CHUNK].nodes[index as usize % CHUNK]
    }

    /// An empty chunk more.
    fn add_chunk(&mut self) -> Result<(), NoMemory> {
        let at = if self.vacant == NONE {
            self.chunks.ensure(1)?;
            let nodes = alloc::list(CHUNK)?;
            self.chunks.push(Chunk { nodes, free: NONE, used: 0, next: NONE, prev: NONE });
            self.chunks.len() as u32 - 1
        } else {
            let chunk = &mut self.chunks[self.vacant as usize];
            chunk.nodes = alloc::list(CHUNK)?;
            std::mem::replace(&mut self.vacant, chunk.next)
        };
        self.chunks[at as usize].next = std::mem::replace(&mut self.empty, at);
        self.live += 1;
        Ok(())
    }

    /// Gives the memory of an empty chunk back.
    fn give_back(&mut self) {
        let at = self.empty;
        let chunk = &mut self.chunks[at as usize];
        chunk.nodes = Vec::new();
        chunk.free = NONE;
        self.empty = std::mem::replace(&mut chunk.next, self.vacant);
        self.vacant = at;
        self.live -= 1;
    }

    /// Puts a chunk before the others in use with room.
    fn link(&mut self, at: u32) {
        let next = std::mem::replace(&mut self.roomy, at);
        if next != NONE {
            self.chunks[next as usize].prev = at;
        }
        let chunk = &mut self.chunks[at as usize];
        (chunk.prev, chunk.next) = (NONE, next);
    }

    /// Takes a chunk out of those in use with room.
    fn unlink(&mut self, at: u32) {
        let Chunk { prev, next, .. } = self.chunks[at as usize];
        if prev == NONE {
            self.roomy = next;
        } else {
            self.chunks[prev as usize].next = next;
        }
        if next != NONE {
            self.chunks[next as usize].prev = prev;
        }
    }

    #[cfg(test)]
    pub(super) fn live_chunks(&self) -> usize {
        self.live
    }

    /// Holds each list of chunks against what is in them.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let listed = |first| {
            std::iter::successors(Some(first).filter(|at| *at != NONE), |at| {
                Some(self.chunks[*at as usize].next).filter(|at| *at != NONE)
            })
        };
        let mut seen = 0;
        for at in listed(self.roomy) {
            let used = self.chunks[at as usize].used as usize;
            assert!(used > 0 && used < CHUNK);
            seen += 1;
        }
        for at in listed(self.empty) {
            let chunk = &self.chunks[at as usize];
            assert!(chunk.used == 0 && chunk.nodes.capacity() >= CHUNK);
            seen += 1;
        }
        for at in listed(self.vacant) {
            let chunk = &self.chunks[at as usize];
            assert!(chunk.used == 0 && chunk.nodes.capacity() == 0);
            seen += 1;
        }
        seen += self.chunks.iter().filter(|chunk| chunk.used as usize == CHUNK).count();
        assert_eq!(seen, self.chunks.len(), "every chunk is in one list, or full");
        assert_eq!(self.live, self.chunks.iter().filter(|chunk| chunk.nodes.capacity() > 0).count());
        assert_eq!(self.len, self.chunks.iter().map(|chunk| chunk.used as usize).sum::<usize>());
        assert!(self.free() >= self.promised);
    }
}
