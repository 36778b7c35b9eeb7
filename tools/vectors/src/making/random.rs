//! Random numbers that a seed determines for ever: SplitMix64, as the C# program has it.

pub struct Random {
    state: u64,
}

impl Random {
    /// The numbers of one line, which do not depend on those before it.
    pub fn of(seed: u64, family: &str, number: u64) -> Random {
        let state = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Random { state: family.bytes().fold(state, mix) }
    }

    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    /// Both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (self.bits() % (most - least + 1) as u64) as i64
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.bits() as u8).collect()
    }

    /// A number that is more often than not at an edge: of a width, of a code, of nothing.
    pub fn edgy(&mut self, least: i128, most: i128) -> i128 {
        for _ in 0..20 {
            let size = 1_i128 << self.below(127);
            let number = match self.below(4) {
                0 => size + i128::from(self.between(-2, 2)),
                1 => -size + i128::from(self.between(-2, 2)),
                2 => {
                    let wide = (i128::from(self.bits() as i64) << 64) | i128::from(self.bits());
                    wide >> self.below(128)
                }
                _ => self.pick(&[0, least, most, -32, -33, 127, 128, 255, 256, least + 1, most - 1]),
            };
            if (least..=most).contains(&number) {
                return number;
            }
        }
        least
    }

    /// The same for whole 64 bits.
    pub fn edgy_i64(&mut self, least: i64, most: i64) -> i64 {
        self.edgy(least.into(), most.into()) as i64
    }
}
