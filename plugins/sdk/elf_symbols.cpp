#include "plugins/sdk/elf_symbols.hpp"

#include "plugins/sdk/report.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace hearth::sdk {

namespace {

/// A structure at an offset of the file, checked and copied: the file is input.
template <class Structure> Structure at(std::string_view file, std::uint64_t offset) {
    require(offset <= file.size() && file.size() - offset >= sizeof(Structure), "the ELF file is truncated");
    Structure structure;
    std::memcpy(&structure, file.data() + offset, sizeof(structure));
    return structure;
}

std::string text_at(std::string_view file, const Elf64_Shdr& strings, std::uint64_t offset) {
    require(strings.sh_offset <= file.size() && strings.sh_size <= file.size() - strings.sh_offset &&
                offset < strings.sh_size,
            "the ELF file's string table is broken");
    const std::string_view table = file.substr(strings.sh_offset, strings.sh_size);
    return std::string(table.substr(offset, table.find('\0', offset) - offset));
}

bool is_exported(const Elf64_Sym& symbol) {
    const unsigned bind = ELF64_ST_BIND(symbol.st_info);
    const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    return symbol.st_shndx != SHN_UNDEF && bind != STB_LOCAL &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

} // namespace

std::vector<std::string> exported_symbols(std::string_view library) {
    const auto header = at<Elf64_Ehdr>(library, 0);
    require(std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
                header.e_type == ET_DYN,
            "not a 64-bit ELF shared library");
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
        const auto section = at<Elf64_Shdr>(library, header.e_shoff + i * header.e_shentsize);
        if (section.sh_type != SHT_DYNSYM) {
            continue;
        }
        const auto strings =
            at<Elf64_Shdr>(library, header.e_shoff + std::uint64_t{section.sh_link} * header.e_shentsize);
        for (std::uint64_t offset = 0; offset + sizeof(Elf64_Sym) <= section.sh_size;
             offset += sizeof(Elf64_Sym)) {
            const auto symbol = at<Elf64_Sym>(library, section.sh_offset + offset);
            if (is_exported(symbol)) {
                names.push_back(text_at(library, strings, symbol.st_name));
            }
        }
    }
    std::ranges::sort(names);
    return names;
}

} // namespace hearth::sdk
