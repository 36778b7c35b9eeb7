// What the targets have in common.

#include "guided.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void broken(const char *file, int line, const char *promise, const char *format, ...) {
    fprintf(stderr, "%s:%d: not kept: %s: ", file, line, promise);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

void look_at(const char *function, int32_t status, backrun_error **error) {
    if (status == BACKRUN_OK) {
        PROMISE(*error == NULL, "%s gives an error with its success", function);
        return;
    }
    PROMISE(*error != NULL, "%s gives %d without an error", function, status);
    backrun_str message = backrun_error_message(*error);
    PROMISE(status != BACKRUN_PANIC, "%s: %.*s", function, (int)message.len, message.data);
    PROMISE(status != BACKRUN_OUT_OF_MEMORY, "%s asks for more memory than there is", function);
    PROMISE(backrun_error_code(*error) == status, "%s gives %d and an error of %d", function, status,
        backrun_error_code(*error));
    PROMISE(message.len > 0, "%s gives an error that says nothing", function);
    backrun_error_free(*error);
    *error = NULL;
}

backrun_codec_settings settings_of(uint8_t choice) {
    static const uint32_t depths[] = {0, 3, 20, 500};
    backrun_codec_settings settings;
    memset(&settings, 0, sizeof settings);
    settings.struct_size = sizeof settings;
    settings.version = choice & 1 ? BACKRUN_MESSAGEPACK_2_5 : BACKRUN_MESSAGEPACK_3_1;
    settings.flags = choice & 2 ? BACKRUN_CODEC_OLD_SPEC : 0;
    settings.max_depth = depths[choice >> 2 & 3];
    settings.max_decompressed = 1 << 20;
    return settings;
}

bool is_valid(const uint8_t *bytes, size_t size, const backrun_codec_settings *settings) {
    backrun_error *error = NULL;
    int32_t status = backrun_payload_validate((backrun_bytes){bytes, size}, settings, &error);
    look_at("backrun_payload_validate", status, &error);
    return status == BACKRUN_OK;
}
