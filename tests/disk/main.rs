//! The durable store against the world: power cuts, kills, and trouble with the disk.

mod cut;
mod disk;
mod engine;
mod model;
mod power;
#[path = "../common/random.rs"]
mod random;
mod trouble;
mod versions;
mod vfs;
mod workload;
