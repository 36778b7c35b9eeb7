// Targets of the coverage-guided fuzzing: each takes any bytes, and ends the program where a promise of the C ABI is
// not kept. libFuzzer calls one (fuzzer.c); the tests call them with what it found worth keeping (replay.c).

#ifndef BACKRUN_GUIDED_H
#define BACKRUN_GUIDED_H

#include <backrun.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// backrun_reader_* and backrun_writer_*: the first byte is the settings, the second says how many calls follow it, one
// a byte; the rest is read.
void guided_reader(const uint8_t *data, size_t size);

// backrun_payload_*: the first byte is the settings, the rest a payload, and JSON.
void guided_payload(const uint8_t *data, size_t size);

// Whether every value of a message of one value is in its shortest form, as a writer would write it.
bool is_canonical(const uint8_t *bytes, size_t size);

// Says what is not kept and ends the program: the fuzzer keeps what led here.
#define PROMISE(kept, ...)                                                                                             \
    do {                                                                                                               \
        if (!(kept))                                                                                                   \
            broken(__FILE__, __LINE__, #kept, __VA_ARGS__);                                                            \
    } while (0)

_Noreturn void broken(const char *file, int line, const char *promise, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 4, 5)))
#endif
    ;

// Looks at what a call answered and frees its error, which is NULL then: 0 comes without one, and all else with one
// that tells the same number and a text.
void look_at(const char *function, int32_t status, backrun_error **error);

// The two bytes' settings: version, old specification, depth.
backrun_codec_settings settings_of(uint8_t choice);

// Whether a payload is one whole value.
bool is_valid(const uint8_t *bytes, size_t size, const backrun_codec_settings *settings);

#endif
