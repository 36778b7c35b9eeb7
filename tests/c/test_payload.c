// Whole payloads: as JSON and from it, compressed and not, with the name of a type.

#include "test.h"

static void check_text(const char *expected, backrun_buffer *buffer) {
    backrun_bytes made = backrun_buffer_bytes(buffer);
    test_check_text(__FILE__, __LINE__, expected, (backrun_str){(const char *)made.data, made.len}, "what was made");
    backrun_buffer_free(buffer);
}

TEST(a_payload_is_seen_as_json) {
    static const char input[] = "\x83\xa4Name\xa3"
                                "A\"b\xa2"
                                "At\xd6\xff\0\0\0\0\xa4"
                                "Data\xc4\x02hi";
    backrun_buffer *json = NULL;
    OK(backrun_payload_to_json((backrun_bytes){(const uint8_t *)input, sizeof input - 1}, NULL, &json, E));
    check_text("{\"Name\":\"A\\\"b\",\"At\":\"1970-01-01T00:00:00.0000000Z\",\"Data\":\"aGk=\"}", json);
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 1", backrun_payload_to_json(bytes("\x91\xc1"), NULL, &json, E));
    CHECK(json == NULL);
}

TEST(json_is_made_into_a_payload) {
    backrun_buffer *payload = NULL;
    OK(backrun_payload_from_json(str("{\"A\":[1,-1,1.5,null,true]}"), NULL, &payload, E));
    static const char expected[] = "\x81\xa1"
                                   "A\x95\x01\xff\xcb\x3f\xf8\0\0\0\0\0\0\xc0\xc3";
    backrun_bytes made = backrun_buffer_bytes(payload);
    CHECK(made.len == sizeof expected - 1 && memcmp(made.data, expected, made.len) == 0);
    backrun_buffer_free(payload);
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 1", backrun_payload_from_json(str("[NaN]"), NULL, &payload, E));
    CHECK(payload == NULL);
}

// Forty times the same text.
static backrun_buffer *repetitive(void) {
    backrun_writer *writer = NULL;
    backrun_buffer *payload = NULL;
    OK(backrun_writer_new(NULL, &writer, E));
    OK(backrun_writer_begin_array(writer, 40, E));
    for (int i = 0; i < 40; i++) {
        OK(backrun_writer_str(writer, str("again and again"), E));
    }
    OK(backrun_writer_end(writer, E));
    OK(backrun_writer_take(writer, &payload, E));
    backrun_writer_free(writer);
    return payload;
}

TEST(what_is_compressed_is_shorter_and_comes_back) {
    backrun_buffer *plain = repetitive();
    backrun_bytes whole = backrun_buffer_bytes(plain);
    const uint32_t ways[] = {BACKRUN_PAYLOAD_LZ4_BLOCK, BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY};
    for (size_t i = 0; i < 2; i++) {
        backrun_codec_settings settings = {.struct_size = sizeof settings, .compression = ways[i]};
        backrun_buffer *small = NULL, *back = NULL, *json = NULL, *same = NULL;
        OK(backrun_payload_compress(whole, &settings, &small, E));
        backrun_bytes compressed = backrun_buffer_bytes(small);
        CHECK(compressed.len < whole.len / 4);
        OK(backrun_payload_decompress(compressed, NULL, &back, E));
        backrun_bytes decompressed = backrun_buffer_bytes(back);
        CHECK(decompressed.len == whole.len && memcmp(decompressed.data, whole.data, whole.len) == 0);
        // As JSON it is seen only by those who say that it may be compressed.
        OK(backrun_payload_to_json(whole, NULL, &json, E));
        OK(backrun_payload_to_json(compressed, &settings, &same, E));
        backrun_bytes text = backrun_buffer_bytes(json), text_of_compressed = backrun_buffer_bytes(same);
        CHECK(text.len == text_of_compressed.len && memcmp(text.data, text_of_compressed.data, text.len) == 0);
        settings.max_decompressed = whole.len - 1;
        backrun_buffer *none = (void *)1;
        FAILS(BACKRUN_INVALID_PAYLOAD, "byte", backrun_payload_decompress(compressed, &settings, &none, E));
        CHECK(none == NULL);
        backrun_buffer_free(small);
        backrun_buffer_free(back);
        backrun_buffer_free(json);
        backrun_buffer_free(same);
    }
    backrun_buffer_free(plain);
}

TEST(what_is_short_is_not_compressed) {
    backrun_codec_settings settings = {.struct_size = sizeof settings, .compression = BACKRUN_PAYLOAD_LZ4_BLOCK};
    backrun_buffer *made = NULL;
    OK(backrun_payload_compress(bytes("\xa2hi"), &settings, &made, E));
    check_text("\xa2hi", made);
    OK(backrun_payload_decompress(bytes("\xa2hi"), &settings, &made, E));
    check_text("\xa2hi", made);
    settings.compression = 3;
    FAILS(BACKRUN_INVALID_ARGUMENT, "backrun_codec_settings.compression is 3",
        backrun_payload_compress(bytes("\x01"), &settings, &made, E));
}

TEST(a_typed_value_names_its_type_and_one_value_follows) {
    backrun_writer *writer = NULL;
    backrun_bytes written = {NULL, 0};
    OK(backrun_writer_new(NULL, &writer, E));
    OK(backrun_writer_begin_typed(writer, str("A.B, C"), E));
    OK(backrun_writer_begin_array(writer, 1, E));
    OK(backrun_writer_begin_typed(writer, str("D"), E));
    OK(backrun_writer_full_int(writer, 1, 32, E));
    OK(backrun_writer_end(writer, E));
    OK(backrun_writer_end(writer, E));
    OK(backrun_writer_end(writer, E));
    OK(backrun_writer_bytes(writer, &written, E));
    static const char expected[] = "\xc7\x12\x64\xa6"
                                   "A.B, C\x91\xc7\x07\x64\xa1"
                                   "D\xd2\0\0\0\x01";
    CHECK(written.len == sizeof expected - 1 && memcmp(written.data, expected, written.len) == 0);
    backrun_str name = {NULL, 0};
    OK(backrun_payload_type_name(written, &name, E));
    CHECK_TEXT("A.B, C", name);
    backrun_reader *reader = NULL;
    size_t count = 0;
    int64_t number = 0;
    OK(backrun_reader_new(written, NULL, &reader, E));
    OK(backrun_reader_begin_typed(reader, &name, E));
    OK(backrun_reader_begin_array(reader, &count, E));
    OK(backrun_reader_begin_typed(reader, &name, E));
    CHECK_TEXT("D", name);
    OK(backrun_reader_int(reader, &number, E));
    CHECK_INT(1, number);
    for (int i = 0; i < 3; i++) {
        OK(backrun_reader_end(reader, E));
    }
    OK(backrun_reader_finish(reader, E));
    backrun_reader_free(reader);
    backrun_writer_clear(writer);
    OK(backrun_writer_begin_typed(writer, str("D"), E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "the typed value that begins at byte 0 has only its type's name",
        backrun_writer_end(writer, E));
    backrun_writer_clear(writer);
    OK(backrun_writer_begin_typed(writer, str("D"), E));
    OK(backrun_writer_nil(writer, E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "has its value", backrun_writer_nil(writer, E));
    backrun_writer_free(writer);
}

TEST(a_plain_object_is_its_name_alone) {
    backrun_reader *reader = NULL;
    backrun_str name = {NULL, 0};
    uint32_t kind = 0;
    OK(backrun_reader_new(bytes("\xc7\x0e\x64\xadSystem.Object"), NULL, &reader, E));
    OK(backrun_reader_begin_typed(reader, &name, E));
    OK(backrun_reader_peek(reader, &kind, E));
    CHECK_INT(BACKRUN_KIND_END, kind);
    OK(backrun_reader_end(reader, E));
    OK(backrun_reader_finish(reader, E));
    backrun_reader_free(reader);
    // And so it is written.
    backrun_writer *writer = NULL;
    backrun_bytes written = {NULL, 0};
    OK(backrun_writer_new(NULL, &writer, E));
    OK(backrun_writer_begin_typed(writer, str("System.Object"), E));
    OK(backrun_writer_end(writer, E));
    OK(backrun_writer_bytes(writer, &written, E));
    CHECK(written.len == 17 && memcmp(written.data, "\xc7\x0e\x64\xadSystem.Object", written.len) == 0);
    backrun_writer_clear(writer);
    OK(backrun_writer_begin_typed(writer, str("System.Object, System.Private.CoreLib"), E));
    FAILS(BACKRUN_INVALID_ARGUMENT, "has its name alone", backrun_writer_nil(writer, E));
    backrun_writer_free(writer);
}

TEST(what_names_no_type_is_told_apart) {
    backrun_str name = str("?");
    OK(backrun_payload_type_name(bytes("\x93\x01"), &name, E));
    CHECK(name.len == 0);
    FAILS(BACKRUN_INVALID_PAYLOAD, "byte 0", backrun_payload_type_name(bytes(""), &name, E));
    backrun_reader *reader = NULL;
    OK(backrun_reader_new(bytes("\xd4\x05?"), NULL, &reader, E));
    FAILS(BACKRUN_INVALID_PAYLOAD, "a value with the name of its type was expected",
        backrun_reader_begin_typed(reader, &name, E));
    CHECK(name.len == 0);
    backrun_reader_free(reader);
}
