//! A writer of eBPF programs: instructions, and places to jump to.

/// A register. 0 to 5 do not survive a call; 10 is the end of the stack, of 512 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reg(pub(crate) u8);

/// One instruction (Documentation/bpf/instruction-set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ebpf {
    pub(crate) code: u8,
    pub(crate) dst: u8,
    pub(crate) src: u8,
    pub(crate) off: i16,
    pub(crate) imm: i32,
}

impl Ebpf {
    /// As the kernel of this machine reads it.
    pub(crate) fn bytes(self) -> [u8; 8] {
        let [o0, o1] = self.off.to_ne_bytes();
        let [i0, i1, i2, i3] = self.imm.to_ne_bytes();
        let registers =
            if cfg!(target_endian = "little") { self.src << 4 | self.dst } else { self.dst << 4 | self.src };
        [self.code, registers, o0, o1, i0, i1, i2, i3]
    }
}

/// A place in a program that is jumped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

/// Bytes of a load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    One = 0x10,
    Two = 0x08,
    Four = 0x00,
    Eight = 0x18,
}

/// Operations on 32 bits; the upper half of the register becomes 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alu {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    Lsh = 0x60,
    Rsh = 0x70,
    Neg = 0x80,
    Mod = 0x90,
    Xor = 0xa0,
    Mov = 0xb0,
}

/// Conditions, unsigned and on 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum If {
    Eq = 0x10,
    Gt = 0x20,
    Ge = 0x30,
    Set = 0x40,
    Ne = 0x50,
}

/// Functions of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    MapLookup = 1,
    MapUpdate = 2,
    MapDelete = 3,
    LoadBytes = 26,
}

/// A program in the making.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    code: Vec<Ebpf>,
    places: Vec<Option<usize>>,
    jumps: Vec<(usize, Place)>,
    maps: Vec<(usize, usize)>,
}

/// A finished program.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) code: Vec<Ebpf>,
    /// Where the number of a map goes: instruction, and which map.
    pub(crate) maps: Vec<(usize, usize)>,
}

impl Writer {
    pub(crate) fn raw(&mut self, code: u8, dst: Reg, src: Reg, off: i16, imm: i32) {
        self.code.push(Ebpf { code, dst: dst.0, src: src.0, off, imm });
    }

    /// `dst = op(dst, k)`.
    pub(crate) fn alu(&mut self, op: Alu, dst: Reg, k: u32) {
        self.raw(0x04 | op as u8, dst, Reg(0), 0, k.cast_signed());
    }

    /// `dst = op(dst, src)`.
    pub(crate) fn alu_reg(&mut self, op: Alu, dst: Reg, src: Reg) {
        self.raw(0x0c | op as u8, dst, src, 0, 0);
    }

    /// `dst = src`, all 64 bits: pointers too.
    pub(crate) fn copy(&mut self, dst: Reg, src: Reg) {
        self.raw(0xbf, dst, src, 0, 0);
    }

    /// `dst = stack + at`; `at` is negative.
    pub(crate) fn stack(&mut self, dst: Reg, at: i16) {
        self.copy(dst, Reg(10));
        self.raw(0x07, dst, Reg(0), 0, i32::from(at));
    }

    /// `dst += k`, 64 bits.
    pub(crate) fn add_wide(&mut self, dst: Reg, src: Reg) {
        self.raw(0x0f, dst, src, 0, 0);
    }

    /// `dst += k`, 64 bits.
    pub(crate) fn bump(&mut self, dst: Reg, k: i32) {
        self.raw(0x07, dst, Reg(0), 0, k);
    }

    /// Makes a number of so many bytes in network order one of this machine, or the reverse.
    pub(crate) fn swap(&mut self, dst: Reg, size: Size) {
        let bits = if size == Size::Two { 16 } else { 32 };
        self.raw(0xdc, dst, Reg(0), 0, bits);
    }

    /// `dst = *(base + off)`.
    pub(crate) fn load(&mut self, size: Size, dst: Reg, base: Reg, off: i16) {
        self.raw(0x61 | size as u8, dst, base, off, 0);
    }

    /// `*(base + off) = src`.
    pub(crate) fn store(&mut self, size: Size, base: Reg, off: i16, src: Reg) {
        self.raw(0x63 | size as u8, base, src, off, 0);
    }

    /// `*(base + off) = k`.
    pub(crate) fn store_imm(&mut self, size: Size, base: Reg, off: i16, k: i32) {
        self.raw(0x62 | size as u8, base, Reg(0), off, k);
    }

    /// Calls the kernel: arguments in registers 1 to 5, answer in 0.
    pub(crate) fn call(&mut self, call: Call) {
        self.raw(0x85, Reg(0), Reg(0), 0, call as i32);
    }

    /// Returns register 0.
    pub(crate) fn exit(&mut self) {
        self.raw(0x95, Reg(0), Reg(0), 0, 0);
    }

    /// `dst` = the map with this index.
    pub(crate) fn map(&mut self, dst: Reg, index: usize) {
        self.maps.push((self.code.len(), index));
        self.raw(0x18, dst, Reg(0), 0, 0);
        self.raw(0, Reg(0), Reg(0), 0, 0);
    }

    /// A place to be [put](Self::put) later, or jumped to before.
    pub(crate) fn place(&mut self) -> Place {
        self.places.push(None);
        Place(self.places.len() - 1)
    }

    /// The place is here.
    pub(crate) fn put(&mut self, place: Place) {
        let here = self.code.len();
        if let Some(slot) = self.places.get_mut(place.0) {
            *slot = Some(here);
        }
    }

    /// Jumps in any case.
    pub(crate) fn go(&mut self, to: Place) {
        self.jumps.push((self.code.len(), to));
        self.raw(0x05, Reg(0), Reg(0), 0, 0);
    }

    /// Jumps if `reg` compares so with `k`, which is taken as a signed number and widened.
    pub(crate) fn go_if(&mut self, reg: Reg, compares: If, k: i32, to: Place) {
        self.jumps.push((self.code.len(), to));
        self.raw(0x05 | compares as u8, reg, Reg(0), 0, k);
    }

    /// Jumps if `reg` compares so with `other`.
    pub(crate) fn go_if_reg(&mut self, reg: Reg, compares: If, other: Reg, to: Place) {
        self.jumps.push((self.code.len(), to));
        self.raw(0x0d | compares as u8, reg, other, 0, 0);
    }

    /// The program; `None` if a jump leads nowhere or too far.
    pub(crate) fn finish(mut self) -> Option<Program> {
        for (from, Place(place)) in self.jumps {
            let to = self.places.get(place).copied().flatten()?;
            let off = i64::try_from(to).ok()? - i64::try_from(from).ok()? - 1;
            self.code.get_mut(from)?.off = i16::try_from(off).ok()?;
        }
        Some(Program { code: self.code, maps: self.maps })
    }
}
