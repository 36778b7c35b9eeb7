// MessagePack in C++: each type as C# has it, what holds others, classes, and errors.

#include "test.hpp"

#include <array>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <unordered_map>

using backrun::pack;
using backrun::unpack;

namespace {

std::string hex(backrun::bytes_view bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

// Whether a value has these bytes, and comes back from them.
template <class T>
bool is(const char *expected, const T &value) {
    const auto bytes = pack(value);
    if (hex(bytes) != expected) {
        return false;
    }
    return pack(unpack<T>(bytes)) == bytes;
}

enum class color : std::uint8_t { red = 1, blue = 200 };

struct parcel {
    backrun::guid order;
    std::string to;
    std::vector<std::string> items;
    std::optional<std::int32_t> priority;
};

} // namespace

template <>
struct backrun::codec<parcel> {
    static void write(writer &to, const parcel &value) {
        to.begin_map(4);
        to.member("Order", value.order).member("To", value.to);
        to.member("Items", value.items).member("Priority", value.priority);
        to.end();
    }
    static void read(reader &from, parcel &value) {
        from.members([&](std::string_view name) {
            if (name == "Order") {
                from.read(value.order);
            } else if (name == "To") {
                from.read(value.to);
            } else if (name == "Items") {
                from.read(value.items);
            } else if (name == "Priority") {
                from.read(value.priority);
            }
        });
    }
};

TEST(scalars_have_the_form_of_their_csharp_type) {
    CHECK(is("c3", true) && is("c2", false));
    CHECK(is("7f", std::int32_t{127}) && is("ccc8", std::int64_t{200}) && is("d1ff7f", std::int16_t{-129}));
    CHECK(is("cfffffffffffffffff", UINT64_MAX) && is("64", std::int8_t{100}));
    CHECK(is("cd3042", u'\u3042') && is("ce0001f600", U'\U0001f600'));
    CHECK(is("ca3fc00000", 1.5F) && is("cb3ff8000000000000", 1.5));
    CHECK(is("ccc8", color::blue) && unpack<color>("\x01") == color::red);
    CHECK(hex(pack(nullptr)) == "c0");
}

TEST(texts_and_bytes_are_told_apart) {
    CHECK(is("a26869", std::string("hi")) && is("a0", std::string_view()) &&
          is("c40201ff", std::vector<std::uint8_t>{1, 255}));
    CHECK(is("c40201ff", std::array<std::uint8_t, 2>{1, 255}) && is("c400", backrun::bytes_view()));
    CHECK(is("c4017f", std::vector<std::byte>{std::byte{127}}));
    CHECK(hex(pack("hi")) == "a26869" && hex(pack(static_cast<const char *>(nullptr))) == "c0");
    const auto bytes = pack("hello");
    const auto borrowed = unpack<std::string_view>(bytes);
    CHECK(borrowed == "hello" && static_cast<const void *>(borrowed.data()) == bytes.data() + 1);
    THROWS(invalid_payload, unpack<std::string>("\xC4\x01?"));
    THROWS(invalid_payload, unpack<std::vector<std::uint8_t>>("\x91\x01"));
    THROWS(invalid_argument, pack("\xFF"));
}

TEST(what_may_be_null_is_an_optional) {
    CHECK(is("c0", std::optional<std::string>()) && is("a178", std::optional<std::string>("x")));
    CHECK(unpack<std::optional<std::int32_t>>("\x07") == 7);
    THROWS(invalid_payload, unpack<std::string>("\xC0"));
}

TEST(times_are_times_and_spans_are_ticks) {
    using namespace std::chrono;
    using seconds_point = time_point<system_clock, seconds>;
    CHECK(is("d6ff4cf5bb59", seconds_point(seconds(1291172697))));
    CHECK(is("d7ff0000019000000000", time_point<system_clock, nanoseconds>(nanoseconds(100))));
    // 100 ns are the least, and what is before 1970 is cut downwards as well.
    CHECK(hex(pack(time_point<system_clock, nanoseconds>(nanoseconds(199)))) == "d7ff0000019000000000");
    CHECK(hex(pack(time_point<system_clock, nanoseconds>(nanoseconds(-1)))) == "c70cff3b9ac99cffffffffffffffff");
    CHECK(is("c70cff00000000fffffff1886e0900", seconds_point(seconds(-62135596800)))); // the year 1
    CHECK(unpack<seconds_point>(pack(time_point<system_clock, milliseconds>(milliseconds(-1)))) ==
          seconds_point(seconds(-1)));
    const auto now = floor<microseconds>(system_clock::now());
    CHECK((unpack<time_point<system_clock, microseconds>>(pack(now)) == now));
    CHECK(is("ce00989680", seconds(1)) && is("d2ff676980", seconds(-1)) && is("cf000000c92a69c000", hours(24)));
    CHECK(unpack<milliseconds>(pack(microseconds(-1))) == milliseconds(-1));
}

TEST(a_time_that_does_not_fit_is_refused_in_both_directions) {
    using namespace std::chrono;
    using nanoseconds_point = time_point<system_clock, nanoseconds>;
    const auto far = pack(time_point<system_clock, seconds>(seconds(253402300799))); // the end of 9999
    THROWS(invalid_payload, unpack<nanoseconds_point>(far));
    THROWS(invalid_payload, pack(time_point<system_clock, seconds>(seconds(253402300800))));
    THROWS(invalid_argument, pack(time_point<system_clock, hours>(hours::max())));
    THROWS(invalid_argument, pack(seconds::max()));
    const auto longest = pack(duration<std::int64_t, std::ratio<1, 10000000>>::max());
    THROWS(invalid_payload, unpack<nanoseconds>(longest));
    THROWS(invalid_payload, (unpack<duration<std::int16_t, std::milli>>(longest)));
    CHECK(unpack<hours>(longest) == hours(256204778));
    // A nanosecond more than the furthest that can be read.
    const auto furthest =
        floor<duration<std::int64_t, std::ratio<1, 10000000>>>(nanoseconds_point::max().time_since_epoch());
    CHECK(unpack<nanoseconds>(pack(furthest)) == furthest);
    THROWS(invalid_payload, unpack<nanoseconds>(pack(furthest + decltype(furthest)(1))));
}

TEST(the_types_that_only_dotnet_has_are_types_of_their_own) {
    backrun::guid guid;
    for (std::size_t i = 0; i < 16; ++i) {
        guid.bytes[i] = static_cast<std::uint8_t>(0x11 * i);
    }
    CHECK(is("d92430303131323233332d343435352d363637372d383839392d616162626363646465656666", guid));
    CHECK(unpack<backrun::guid>(pack(guid)) == guid);
    CHECK(is("a4312e3530", backrun::decimal{"1.50"}));
    CHECK(unpack<backrun::decimal>("\xA4"
                                   "1.50")
              .text == "1.50");
    CHECK(is("ce000b4646", backrun::date_only{738886}) && is("01", backrun::time_only{1}));
    CHECK(is("92d6ff65937d25cd021c", backrun::date_time_offset{BACKRUN_TICKS_OF_1970 + 17041646450000000, 540}));
    THROWS(invalid_argument, pack(backrun::decimal{"1,5"}));
}

TEST(containers_are_arrays_and_maps_are_maps) {
    CHECK(is("930102cc80", std::vector<std::int32_t>{1, 2, 128}) && is("90", std::deque<bool>()));
    CHECK(is("92c3c2", std::vector<bool>{true, false}) && is("9101", std::list<std::uint8_t>{1}));
    CHECK(is("920102", std::set<int>{2, 1}) && is("920102", std::array<int, 2>{1, 2}));
    CHECK(is("8101a161", std::map<int, std::string>{{1, "a"}}) && is("80", std::unordered_map<std::string, int>()));
    CHECK(is("92a16101", std::pair<std::string, int>("a", 1)));
    CHECK(is("9101", std::tuple<int>(1)) && is("9701020304050607", std::make_tuple(1, 2, 3, 4, 5, 6, 7)));
    CHECK(is("98010203040506079108", std::make_tuple(1, 2, 3, 4, 5, 6, 7, 8)));
    CHECK(is("9801020304050607920809", std::make_tuple(1, 2, 3, 4, 5, 6, 7, 8, 9)));
    CHECK((unpack<std::set<int>>("\x92\x01\x01").size() == 1));
    THROWS(invalid_payload, (unpack<std::array<int, 2>>("\x93\x01\x02\x03")));
    THROWS(invalid_payload, (unpack<std::pair<int, int>>("\x93\x01\x02\x03")));
    THROWS(invalid_payload, (unpack<std::map<int, int>>("\x82\x01\x02\x01\x03")));
}

TEST(a_class_is_a_map_of_its_members_whatever_their_order_and_what_is_new_is_skipped) {
    const parcel sent{{}, "Ada", {"a book", "a lamp"}, 3};
    const auto got = unpack<parcel>(pack(sent));
    CHECK(got.order == sent.order && got.to == "Ada" && got.items == sent.items && got.priority == 3);
    backrun::writer writer;
    writer.begin_map(3)
        .member("New", std::make_tuple(1, std::vector<int>{2}))
        .member("To", "Bob")
        .member("Priority", nullptr)
        .end();
    const auto other = unpack<parcel>(writer.bytes());
    CHECK(other.to == "Bob" && !other.priority && other.items.empty());
}

TEST(a_number_that_does_not_fit_is_refused_with_its_byte) {
    try {
        unpack<std::vector<std::uint8_t>>("");
    } catch (const backrun::error &thrown) {
        CHECK(std::string(thrown.what()).find("byte 0") != std::string::npos);
    }
    try {
        unpack<std::vector<std::int8_t>>("\x92\x01\xCC\x80");
        CHECK(false);
    } catch (const backrun::error &thrown) {
        CHECK(std::string(thrown.what()) == "byte 2: 128 does not fit into 8 bits");
    }
    THROWS(invalid_payload, unpack<std::uint16_t>("\xFF"));
    THROWS(invalid_payload, unpack<std::int64_t>("\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
}

TEST(values_are_written_and_read_one_by_one) {
    backrun::writer writer;
    writer.begin_array(5).full(std::int32_t{1}).full(std::uint8_t{1}).utf16(u"a").ext(5, "?").raw(pack(7)).end();
    CHECK(hex(writer.bytes()) == "95d200000001cc01a161d4053f07");
    const auto bytes = writer.bytes().to_vector();
    backrun::reader reader(bytes);
    CHECK(reader.peek() == backrun::value_kind::array && reader.begin_array() == 5);
    CHECK(reader.read<int>() == 1 && !reader.try_nil() && reader.read<int>() == 1);
    CHECK(reader.skip().size() == 2 && reader.peek() == backrun::value_kind::extension);
    reader.end();
    CHECK(reader.offset() == bytes.size() && reader.peek() == backrun::value_kind::end);
    reader.finish();
}

TEST(a_count_that_is_not_kept_is_thrown_where_it_shows) {
    backrun::writer writer;
    writer.begin_array(1).nil();
    THROWS(invalid_argument, writer.nil());
    THROWS(invalid_argument, writer.bytes());
    writer.clear();
    writer.begin_map(1);
    THROWS(invalid_argument, writer.end());
    backrun::reader reader("\x91\x01");
    reader.begin_array();
    THROWS(invalid_argument, reader.finish());
}

TEST(settings_reach_the_codec) {
    backrun::codec_settings settings;
    settings.old_spec = true;
    CHECK(hex(pack(std::vector<std::uint8_t>{1}, settings)) == "a101");
    settings.max_depth = 1;
    THROWS(invalid_payload, (unpack<std::vector<std::vector<int>>>("\x91\x90", settings)));
    backrun::validate("\x91\x01");
    THROWS(invalid_payload, backrun::validate("\x91\x90", settings));
    THROWS(invalid_payload, backrun::validate("\x01\x01"));
}

TEST(a_task_takes_what_was_packed_and_fails_with_the_byte_where_it_cannot) {
    backrun::engine engine(backrun::engine_options().workers(1));
    std::string to;
    engine.register_handler(
        "parcel", [&](backrun::task &, backrun::bytes_view payload) { to = unpack<parcel>(payload).to; });
    const auto done = engine.wait(engine.submit("parcel", pack(parcel{{}, "Ada", {}, {}})));
    CHECK(done.state() == backrun::state::succeeded && to == "Ada");
    const auto dead = engine.wait(engine.submit("parcel", "\x81\xA2To\x01"));
    CHECK(dead.state() == backrun::state::dead);
    CHECK(dead.error_message() == "byte 4: text was expected, and there is an integer (0x01)");
}
