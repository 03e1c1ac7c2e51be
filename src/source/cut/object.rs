//! An eBPF program as the ELF file that loaders take.

use object::write::{Object, Relocation, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

use super::depth::{COUNT, COUNTS, DIRECTIONS, KEY, VALUE};
use super::ebpf::Program;

/// Name of the program.
pub(super) const NAME: &str = "sni_watch_cut";
/// Name of the map of counts.
pub(super) const COUNTS_NAME: &str = "counts";

/// `BPF_MAP_TYPE_LRU_HASH` and `BPF_MAP_TYPE_PERCPU_ARRAY`.
const LRU_HASH: u32 = 9;
const PER_CPU_ARRAY: u32 = 6;
/// `R_BPF_64_64`: the number of a map.
const MAP_NUMBER: u32 = 1;

/// Bytes of the file; the map of directions holds `entries`.
pub(super) fn file(program: &Program, entries: u32) -> Result<Vec<u8>, object::write::Error> {
    let endianness = if cfg!(target_endian = "little") { Endianness::Little } else { Endianness::Big };
    let mut file = Object::new(BinaryFormat::Elf, Architecture::Bpf, endianness);
    let license = file.add_section(Vec::new(), b"license".to_vec(), SectionKind::Data);
    file.append_section_data(license, b"MIT\0", 1);

    let maps = file.add_section(Vec::new(), b"maps".to_vec(), SectionKind::Data);
    let mut symbols: [Option<SymbolId>; 2] = [None; 2];
    for (index, name, kind, sizes, count) in [
        (DIRECTIONS, "directions", LRU_HASH, (KEY, VALUE), entries),
        (COUNTS, COUNTS_NAME, PER_CPU_ARRAY, (4, COUNT), 1),
    ] {
        let definition: Vec<u8> =
            [kind, sizes.0, sizes.1, count, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
        let value = file.append_section_data(maps, &definition, 4);
        let symbol = symbol(name, (value, definition.len() as u64), SymbolKind::Data, maps);
        if let Some(slot) = symbols.get_mut(index) {
            *slot = Some(file.add_symbol(symbol));
        }
    }

    let code = file.add_section(Vec::new(), b"socket".to_vec(), SectionKind::Text);
    let bytes: Vec<u8> = program.code.iter().flat_map(|one| one.bytes()).collect();
    file.append_section_data(code, &bytes, 8);
    file.add_symbol(symbol(NAME, (0, bytes.len() as u64), SymbolKind::Text, code));
    for (at, map) in &program.maps {
        let Some(symbol) = symbols.get(*map).copied().flatten() else { continue };
        let flags = RelocationFlags::Elf { r_type: MAP_NUMBER };
        file.add_relocation(code, Relocation { offset: 8 * *at as u64, symbol, addend: 0, flags })?;
    }
    file.write()
}

fn symbol(
    name: &str,
    (value, size): (u64, u64),
    kind: SymbolKind,
    section: object::write::SectionId,
) -> Symbol {
    Symbol {
        name: name.as_bytes().to_vec(),
        value,
        size,
        kind,
        scope: SymbolScope::Linkage,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    }
}
