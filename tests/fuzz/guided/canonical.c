// The shortest forms, told without the library.

#include "guided.h"

static uint64_t big_endian(const uint8_t *bytes, size_t count) {
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

// Of an integer with so many bytes behind its first one.
static bool is_shortest_int(uint8_t code, const uint8_t *bytes, size_t width) {
    uint64_t bits = big_endian(bytes, width);
    if (code <= 0xcf)
        return bits > (width == 1 ? 0x7f : UINT64_MAX >> (64 - 4 * width));
    // Signed codes are for what is less than 0.
    int64_t number = (int64_t)(bits << (64 - 8 * width)) >> (64 - 8 * width);
    static const int64_t least_of_shorter[] = {0, -32, INT8_MIN, 0, INT16_MIN, 0, 0, 0, INT32_MIN};
    return number < least_of_shorter[width];
}

static bool is_shortest_timestamp(const uint8_t *body, size_t size) {
    if (size == 4)
        return true;
    uint64_t first = size == 8 ? big_endian(body, 8) : big_endian(body, 4);
    uint64_t nanos = size == 8 ? first >> 34 : first;
    uint64_t seconds = size == 8 ? first & 0x3ffffffff : big_endian(body + 4, 8);
    // .NET counts in 100 ns, and so do writers.
    if (nanos > 999999999 || nanos % 100 != 0)
        return false;
    return size == 8 ? nanos != 0 || seconds > UINT32_MAX : seconds >> 34 != 0;
}

bool is_canonical(const uint8_t *bytes, size_t size) {
    size_t at = 0;
    for (uint64_t due = 1; due > 0; due--) {
        uint8_t code = bytes[at++];
        const uint8_t *head = bytes + at;
        size_t width = 0;   // of a number in the head
        uint64_t least = 0; // that it has to be, for the head to be the shortest
        bool has_body = false;
        bool is_ext = false;
        uint64_t body = 0;
        if (code <= 0x7f || code >= 0xe0 || code == 0xc0 || code == 0xc2 || code == 0xc3)
            continue;
        if (code <= 0x8f) {
            due += 2 * (uint64_t)(code & 0x0f);
            continue;
        }
        if (code <= 0x9f) {
            due += code & 0x0f;
            continue;
        }
        if (code <= 0xbf) {
            at += code & 0x1f;
            continue;
        }
        switch (code) {
        case 0xc4:
            width = 1, has_body = true;
            break;
        case 0xc5:
            width = 2, least = 0x100, has_body = true;
            break;
        case 0xc6:
            width = 4, least = 0x10000, has_body = true;
            break;
        case 0xc7:
            width = 1, is_ext = true;
            break;
        case 0xc8:
            width = 2, least = 0x100, is_ext = true;
            break;
        case 0xc9:
            width = 4, least = 0x10000, is_ext = true;
            break;
        case 0xca:
            at += 4;
            continue;
        case 0xcb:
            at += 8;
            continue;
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
            body = (uint64_t)1 << (code - 0xd4), is_ext = true;
            break;
        case 0xd9:
            width = 1, least = 0x20, has_body = true;
            break;
        case 0xda:
            width = 2, least = 0x100, has_body = true;
            break;
        case 0xdb:
            width = 4, least = 0x10000, has_body = true;
            break;
        case 0xdc:
        case 0xde:
            width = 2, least = 0x10;
            break;
        case 0xdd:
        case 0xdf:
            width = 4, least = 0x10000;
            break;
        default: // integers: 1, 2, 4 or 8 bytes
            width = (size_t)1 << (code & 3);
            if (!is_shortest_int(code, head, width))
                return false;
            at += width;
            continue;
        }
        if (width > 0)
            body = big_endian(head, width);
        if (body < least)
            return false;
        at += width;
        if (has_body)
            at += body;
        if (is_ext) {
            bool has_fixed_form = body == 1 || body == 2 || body == 4 || body == 8 || body == 16;
            if (width > 0 && has_fixed_form)
                return false;
            bool is_time = bytes[at] == 0xff && (body == 4 || body == 8 || body == 12);
            if (is_time && !is_shortest_timestamp(bytes + at + 1, body))
                return false;
            at += 1 + body;
        }
        if (code >= 0xdc)
            due += code >= 0xde ? 2 * body : body;
    }
    return at == size;
}
