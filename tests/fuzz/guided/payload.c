// What is done with payloads as wholes.

#include "guided.h"

#include <string.h>

static void compress(backrun_bytes bytes, const backrun_codec_settings *settings) {
    backrun_buffer *packed = NULL;
    backrun_buffer *unpacked = NULL;
    backrun_error *error = NULL;
    int32_t status = backrun_payload_compress(bytes, settings, &packed, &error);
    look_at("backrun_payload_compress", status, &error);
    PROMISE(status == BACKRUN_OK, "%zu bytes are not compressed: %d", bytes.len, status);
    backrun_bytes inside = backrun_buffer_bytes(packed);
    if (settings->compression == 0 || bytes.len < 64) {
        PROMISE(inside.len == bytes.len && (bytes.len == 0 || memcmp(inside.data, bytes.data, bytes.len) == 0),
            "what is not compressed is another");
    } else {
        status = backrun_payload_decompress(inside, settings, &unpacked, &error);
        look_at("backrun_payload_decompress", status, &error);
        PROMISE(status == BACKRUN_OK, "what was compressed is not decompressed: %d", status);
        backrun_bytes again = backrun_buffer_bytes(unpacked);
        PROMISE(
            again.len == bytes.len && memcmp(again.data, bytes.data, bytes.len) == 0, "what was compressed is another");
    }
    backrun_buffer_free(unpacked);
    backrun_buffer_free(packed);
}

// Whether it is a payload, whichever way it is compressed.
static bool decompress(backrun_bytes bytes, const backrun_codec_settings *settings, bool *has_bytes) {
    backrun_buffer *unpacked = NULL;
    backrun_error *error = NULL;
    int32_t status = backrun_payload_decompress(bytes, settings, &unpacked, &error);
    look_at("backrun_payload_decompress", status, &error);
    *has_bytes = status == BACKRUN_OK;
    PROMISE((unpacked != NULL) == *has_bytes, "%d, and a buffer is %s", status, unpacked == NULL ? "missing" : "there");
    backrun_bytes inside = backrun_buffer_bytes(unpacked);
    PROMISE(inside.len <= settings->max_decompressed || inside.len == bytes.len, "it has %zu bytes", inside.len);
    bool valid = *has_bytes && is_valid(inside.data, inside.len, settings);
    backrun_buffer_free(unpacked);
    return valid;
}

// JSON as a payload, which need not be one: as the library does, much is taken that is no JSON. `NULL`: it is refused.
static backrun_buffer *from_json(backrun_bytes text, const backrun_codec_settings *settings) {
    backrun_buffer *payload = NULL;
    backrun_error *error = NULL;
    int32_t status =
        backrun_payload_from_json((backrun_str){(const char *)text.data, text.len}, settings, &payload, &error);
    look_at("backrun_payload_from_json", status, &error);
    PROMISE((payload != NULL) == (status == BACKRUN_OK), "%d, and a buffer is %s", status,
        payload == NULL ? "missing" : "there");
    return payload;
}

static backrun_buffer *to_json(backrun_bytes bytes, const backrun_codec_settings *settings) {
    backrun_buffer *text = NULL;
    backrun_error *error = NULL;
    int32_t status = backrun_payload_to_json(bytes, settings, &text, &error);
    look_at("backrun_payload_to_json", status, &error);
    PROMISE(
        (text != NULL) == (status == BACKRUN_OK), "%d, and a buffer is %s", status, text == NULL ? "missing" : "there");
    return text;
}

static void type_name(backrun_bytes bytes, const backrun_codec_settings *settings) {
    backrun_str name = {NULL, 1};
    backrun_error *error = NULL;
    int32_t status = backrun_payload_type_name(bytes, &name, &error);
    look_at("backrun_payload_type_name", status, &error);
    if (name.len == 0) {
        PROMISE(name.data == NULL, "an empty name is somewhere");
        return;
    }
    const uint8_t *begin = (const uint8_t *)name.data;
    PROMISE(status == BACKRUN_OK && begin >= bytes.data && begin + name.len <= bytes.data + bytes.len,
        "the name is somebody else's");
    backrun_reader *reader = NULL;
    look_at("backrun_reader_new", backrun_reader_new(bytes, settings, &reader, &error), &error);
    backrun_str same = {NULL, 0};
    status = backrun_reader_begin_typed(reader, &same, &error);
    look_at("backrun_reader_begin_typed", status, &error);
    PROMISE(status == BACKRUN_OK && same.data == name.data && same.len == name.len, "a reader sees another name: %d",
        status);
    backrun_reader_free(reader);
}

void guided_payload(const uint8_t *data, size_t size) {
    if (size == 0)
        return;
    static const uint32_t compressions[] = {0, BACKRUN_PAYLOAD_LZ4_BLOCK, BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY, 0};
    backrun_codec_settings settings = settings_of(data[0]);
    settings.compression = compressions[data[0] >> 4 & 3];
    backrun_bytes bytes = {data + 1, size - 1};
    bool has_bytes = false;
    decompress(bytes, &settings, &has_bytes);
    compress(bytes, &settings);
    type_name(bytes, &settings);
    backrun_buffer *text = to_json(bytes, &settings);
    if (text != NULL) {
        PROMISE(has_bytes || settings.compression == 0, "what cannot be decompressed is JSON");
        backrun_buffer *again = from_json(backrun_buffer_bytes(text), &settings);
        if (again != NULL)
            backrun_buffer_free(to_json(backrun_buffer_bytes(again), &settings));
        backrun_buffer_free(again);
    }
    backrun_buffer_free(text);
    backrun_buffer_free(from_json(bytes, &settings));
}
