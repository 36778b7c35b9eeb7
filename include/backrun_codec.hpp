// MessagePack for C++17 as MessagePack-CSharp writes and reads it: payloads for tasks that C# runs, and those that C#
// makes. backrun.hpp includes it. docs/messagepack.md tells which C# type looks how.
//
//   std::vector<std::uint8_t> payload = backrun::pack(value);   // for engine::submit
//   auto value = backrun::unpack<parcel>(payload);              // in a handler
//
// | C#                              | C++                                                                        |
// | ------------------------------- | -------------------------------------------------------------------------- |
// | bool, float, double             | bool, float, double                                                        |
// | sbyte ... ulong                 | std::int8_t ... std::uint64_t, and every other integer type but char        |
// | char, Rune                      | char16_t, char32_t                                                         |
// | an enum                         | an enum of the same numbers                                                |
// | string                          | std::string, std::string_view (read: borrowed from the bytes), const char * |
// | byte[]                          | std::vector or std::array of std::uint8_t or std::byte, bytes_view (borrowed) |
// | T?, a reference that may be null | std::optional<T>; nullptr is null                                          |
// | DateTime (UTC)                  | std::chrono::system_clock::time_point of any precision                     |
// | TimeSpan                        | std::chrono::duration of whole numbers with a sign                         |
// | Guid, decimal                   | guid, decimal                                                              |
// | DateTimeOffset, DateOnly, TimeOnly | date_time_offset, date_only, time_only                                  |
// | T[], List<T>, HashSet<T> ...    | std::vector<T> and every other container; std::array has its length        |
// | Dictionary<K, V> ...            | std::map, std::unordered_map                                               |
// | KeyValuePair, Tuple, ValueTuple | std::pair, std::tuple                                                      |
// | a class                         | a type for which codec is specialised, see there                           |
//
// What is read from elsewhere is trusted in nothing: a count makes no room that the bytes do not justify, depth has a
// limit (codec_settings::max_depth), and every error, a backrun::error with error_code::invalid_payload, names the
// byte.

#ifndef BACKRUN_CODEC_HPP
#define BACKRUN_CODEC_HPP

#include "backrun.hpp"

#include <array>
#include <limits>
#include <ratio>
#include <tuple>

namespace backrun {

/// Which MessagePack-CSharp is on the other side. Their bytes differ in few places.
enum class messagepack_version : std::uint32_t {
    v2_5 = BACKRUN_MESSAGEPACK_2_5,
    v3_1 = BACKRUN_MESSAGEPACK_3_1, ///< The default.
};

/// How MessagePack is written and read.
struct codec_settings {
    messagepack_version version = messagepack_version::v3_1;
    bool old_spec = false;         ///< Write no str8 and no bin, for peers from before 2013.
    std::uint32_t max_depth = 500; ///< How deep arrays and maps that are read may lie in each other.
};

/// What sort of value comes next.
enum class value_kind : std::uint32_t {
    nil = BACKRUN_KIND_NIL,
    boolean = BACKRUN_KIND_BOOL,
    integer = BACKRUN_KIND_INT,
    floating = BACKRUN_KIND_FLOAT,
    text = BACKRUN_KIND_STR,
    bytes = BACKRUN_KIND_BIN,
    array = BACKRUN_KIND_ARRAY,
    map = BACKRUN_KIND_MAP,
    extension = BACKRUN_KIND_EXT,
    end = BACKRUN_KIND_END, ///< None: the array or map has no more, or the bytes are at their end.
};

/// A Guid of C#: its bytes in the order in which they are written as text, as in a uuid_t; not Guid.ToByteArray's.
struct guid {
    std::array<std::uint8_t, 16> bytes{};
};
inline bool operator==(const guid &left, const guid &right) noexcept {
    return left.bytes == right.bytes;
}
inline bool operator!=(const guid &left, const guid &right) noexcept {
    return left.bytes != right.bytes;
}

/// A decimal of C#, as text such as "-1.50", whose zeros say the scale.
struct decimal {
    std::string text;
};

/// A DateTimeOffset of C#. The moment is `local_ticks` less the offset.
struct date_time_offset {
    std::int64_t local_ticks = 0;    ///< What its clock shows, in ticks of 100 ns since 0001-01-01.
    std::int32_t offset_minutes = 0; ///< By how much that clock is ahead of UTC.
};

/// A DateOnly of C#.
struct date_only {
    std::int32_t day = 0; ///< Days since 0001-01-01.
};

/// A TimeOnly of C#.
struct time_only {
    std::int64_t ticks = 0; ///< Of 100 ns, since midnight.
};

class writer;
class reader;

/// How values of a type are written and read. Specialise it for a class of yours, as the C# class is written: one
/// without attributes as a map of its members' names.
///
///   template <> struct backrun::codec<parcel> {
///       static void write(writer &to, const parcel &value) {
///           to.begin_map(2).member("Order", value.order).member("To", value.to).end();
///       }
///       static void read(reader &from, parcel &value) {
///           from.members([&](std::string_view name) {
///               if (name == "Order") from.read(value.order);
///               else if (name == "To") from.read(value.to); // what is not read is skipped
///           });
///       }
///   };
template <class T, class = void>
struct codec {
    static_assert(!std::is_same_v<T, char> && !std::is_same_v<T, wchar_t>,
        "char may be a number or a letter: use std::int8_t, std::uint8_t, char16_t (a char of C#) or a string");
    static_assert(
        sizeof(T) == 0, "backrun does not know how to write or read this type: specialise backrun::codec for it");
};

namespace detail {

[[noreturn]] inline void refuse(std::size_t offset, const std::string &what) {
    throw error(error_code::invalid_payload, "byte " + std::to_string(offset) + ": " + what);
}

inline backrun_codec_settings native_settings(const codec_settings &settings) noexcept {
    backrun_codec_settings native{};
    native.struct_size = sizeof native;
    native.version = static_cast<std::uint32_t>(settings.version);
    native.flags = settings.old_spec ? BACKRUN_CODEC_OLD_SPEC : 0;
    native.max_depth = settings.max_depth;
    return native;
}

struct free_writer {
    void operator()(backrun_writer *native) const noexcept { backrun_writer_free(native); }
};
struct free_reader {
    void operator()(backrun_reader *native) const noexcept { backrun_reader_free(native); }
};

} // namespace detail

/// Writes one value. Every function throws where it is told something that cannot be written, and every one after it
/// then throws the same, until clear().
class writer {
public:
    explicit writer(const codec_settings &settings = {}) {
        const backrun_codec_settings native = detail::native_settings(settings);
        backrun_writer *made = nullptr;
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_writer_new(&native, &made, &object);
        native_.reset(made);
        detail::check(code, object);
    }

    /// Any value whose type has a codec.
    template <class T>
    writer &value(const T &value) {
        codec<std::decay_t<const T>>::write(*this, value);
        return *this;
    }

    /// Begins an array of so many values, which follow; then end().
    writer &begin_array(std::size_t count) { return call(backrun_writer_begin_array, count); }
    /// Begins a map of so many keys, which follow, each with its value; then end(). A class is one of its members.
    writer &begin_map(std::size_t count) { return call(backrun_writer_begin_map, count); }
    /// Ends what was begun last. Throws invalid_argument where it has not as many values as it was begun with.
    writer &end() { return call(backrun_writer_end); }
    /// The name of a member; its value follows.
    writer &key(std::string_view name) { return call(backrun_writer_key, detail::str(name)); }
    /// A member: its name and its value.
    template <class T>
    writer &member(std::string_view name, const T &value) {
        return key(name).value(value);
    }
    /// Null.
    writer &nil() { return call(backrun_writer_nil); }
    /// A signed integer at the full width of its type, as it stands in a slot of type `object`.
    template <class Integer>
    writer &full(Integer value) {
        static_assert(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>, "full() is for integers");
        constexpr std::uint32_t bits = 8 * sizeof(Integer);
        if constexpr (std::is_signed_v<Integer>) {
            return call(backrun_writer_full_int, static_cast<std::int64_t>(value), bits);
        } else {
            return call(backrun_writer_full_uint, static_cast<std::uint64_t>(value), bits);
        }
    }
    /// A string of C#, by the units that it has there.
    writer &utf16(std::u16string_view units) {
        const std::vector<std::uint16_t> copy(units.begin(), units.end());
        return call(backrun_writer_str_utf16, copy.data(), copy.size());
    }
    /// An extension.
    writer &ext(std::int8_t code, bytes_view bytes) {
        return call(backrun_writer_ext, static_cast<std::int32_t>(code), bytes.native());
    }
    /// A value that was written before: exactly one.
    writer &raw(bytes_view value) { return call(backrun_writer_raw, value.native()); }

    /// What was written, borrowed until the next call. Throws invalid_argument where it is not one whole value.
    bytes_view bytes() {
        backrun_bytes written{};
        call(backrun_writer_bytes, &written);
        return bytes_view(written);
    }
    /// Makes it as new; its memory is kept.
    void clear() noexcept { backrun_writer_clear(native_.get()); }

    /// For calls into backrun.h.
    backrun_writer *native() const noexcept { return native_.get(); }
    /// A function of backrun.h that takes this writer first and an error last.
    template <class Function, class... Arguments>
    writer &call(Function function, Arguments... arguments) {
        backrun_error *object = nullptr;
        const std::int32_t code = function(native_.get(), arguments..., &object);
        detail::check(code, object);
        return *this;
    }

private:
    std::unique_ptr<backrun_writer, detail::free_writer> native_;
};

/// Reads one value after the other from bytes, which must outlive it and what is borrowed from them (std::string_view,
/// bytes_view). Every function throws where something else stands there, and every one after it then throws the same.
class reader {
public:
    explicit reader(bytes_view bytes, const codec_settings &settings = {}) {
        const backrun_codec_settings native = detail::native_settings(settings);
        backrun_reader *made = nullptr;
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_reader_new(bytes.native(), &native, &made, &object);
        native_.reset(made);
        detail::check(code, object);
    }

    /// A value of any type that has a codec.
    template <class T>
    void read(T &into) {
        codec<T>::read(*this, into);
    }
    /// The same, as a new one.
    template <class T>
    T read() {
        T value{};
        read(value);
        return value;
    }

    /// What sort of value comes next; it stays where it is.
    value_kind peek() { return static_cast<value_kind>(get<std::uint32_t>(backrun_reader_peek)); }
    /// Takes null, if that comes next. Whether it did.
    bool try_nil() { return get<std::int32_t>(backrun_reader_try_nil) != 0; }
    /// Takes the next value whatever it is: its bytes, borrowed.
    bytes_view skip() { return bytes_view(get<backrun_bytes>(backrun_reader_skip)); }
    /// Begins an array: how many values it has. They follow, then end().
    std::size_t begin_array() { return get<std::size_t>(backrun_reader_begin_array); }
    /// Begins a map: how many keys it has. They follow, each with its value, then end().
    std::size_t begin_map() { return get<std::size_t>(backrun_reader_begin_map); }
    /// Leaves what was begun last; what was not read of it is skipped.
    void end() { call(backrun_reader_end); }
    /// Throws where an array or a map was begun and not ended. What follows the value that was read is no error.
    void finish() { call(backrun_reader_finish); }
    /// How many bytes were taken.
    std::size_t offset() const noexcept { return backrun_reader_offset(native_.get()); }

    /// A class: calls `member` with the name of each of its members, which may read its value. What it does not read is
    /// skipped.
    template <class Member>
    void members(const Member &member) {
        for (std::size_t left = begin_map(); left > 0; --left) {
            std::string_view name;
            read(name);
            each([&] { member(name); });
        }
        end();
    }
    /// An array: calls `element` for each of its values, which may read it. What it does not read is skipped.
    template <class Element>
    void elements(const Element &element) {
        for (std::size_t left = begin_array(); left > 0; --left) {
            each(element);
        }
        end();
    }

    /// For calls into backrun.h.
    backrun_reader *native() const noexcept { return native_.get(); }
    /// A function of backrun.h that takes this reader first and an error last.
    template <class Function, class... Arguments>
    void call(Function function, Arguments... arguments) {
        backrun_error *object = nullptr;
        const std::int32_t code = function(native_.get(), arguments..., &object);
        detail::check(code, object);
    }
    /// The same, with one out between them.
    template <class Out, class Function>
    Out get(Function function) {
        Out out{};
        call(function, &out);
        return out;
    }

private:
    template <class Body>
    void each(const Body &body) {
        const std::size_t begun = offset();
        body();
        if (offset() == begun) {
            skip();
        }
    }

    std::unique_ptr<backrun_reader, detail::free_reader> native_;
};

/// The bytes of a value: a payload, a result.
template <class T>
std::vector<std::uint8_t> pack(const T &value, const codec_settings &settings = {}) {
    writer to(settings);
    return to.value(value).bytes().to_vector();
}

/// The value of a payload or a result. What is borrowed (std::string_view, bytes_view) is borrowed from `bytes`.
template <class T>
T unpack(bytes_view bytes, const codec_settings &settings = {}) {
    reader from(bytes, settings);
    T value{};
    from.read(value);
    from.finish();
    return value;
}

/// Throws invalid_payload, naming the byte, unless the bytes are exactly one whole value.
inline void validate(bytes_view bytes, const codec_settings &settings = {}) {
    const backrun_codec_settings native = detail::native_settings(settings);
    backrun_error *object = nullptr;
    const std::int32_t code = backrun_payload_validate(bytes.native(), &native, &object);
    detail::check(code, object);
}

// ---- Scalars.

template <>
struct codec<std::nullptr_t> {
    static void write(writer &to, std::nullptr_t) { to.nil(); }
    static void read(reader &from, std::nullptr_t &) { from.call(backrun_reader_nil); }
};

template <>
struct codec<bool> {
    static void write(writer &to, bool value) { to.call(backrun_writer_bool, value ? 1 : 0); }
    static void read(reader &from, bool &value) { value = from.get<std::int32_t>(backrun_reader_bool) != 0; }
};

template <class T>
struct codec<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char> &&
                                 !std::is_same_v<T, wchar_t>>> {
    static void write(writer &to, T value) {
        if constexpr (std::is_signed_v<T>) {
            to.call(backrun_writer_int, static_cast<std::int64_t>(value));
        } else {
            to.call(backrun_writer_uint, static_cast<std::uint64_t>(value));
        }
    }
    static void read(reader &from, T &value) {
        const std::size_t begun = from.offset();
        if constexpr (std::is_signed_v<T>) {
            value = fitting(begun, from.get<std::int64_t>(backrun_reader_int));
        } else {
            value = fitting(begun, from.get<std::uint64_t>(backrun_reader_uint));
        }
    }

private:
    template <class Wide>
    static T fitting(std::size_t begun, Wide wide) {
        const T value = static_cast<T>(wide);
        if (static_cast<Wide>(value) != wide) {
            detail::refuse(
                begun, std::to_string(wide) + " does not fit into " + std::to_string(8 * sizeof(T)) + " bits");
        }
        return value;
    }
};

template <class T>
struct codec<T, std::enable_if_t<std::is_enum_v<T> && !std::is_same_v<T, std::byte>>> {
    using number = std::underlying_type_t<T>;
    static void write(writer &to, T value) { codec<number>::write(to, static_cast<number>(value)); }
    static void read(reader &from, T &value) { value = static_cast<T>(from.read<number>()); }
};

template <>
struct codec<float> {
    static void write(writer &to, float value) { to.call(backrun_writer_f32, value); }
    static void read(reader &from, float &value) { value = from.get<float>(backrun_reader_f32); }
};

template <>
struct codec<double> {
    static void write(writer &to, double value) { to.call(backrun_writer_f64, value); }
    static void read(reader &from, double &value) { value = from.get<double>(backrun_reader_f64); }
};

// ---- Text and bytes.

template <>
struct codec<std::string_view> {
    static void write(writer &to, std::string_view text) { to.call(backrun_writer_str, detail::str(text)); }
    static void read(reader &from, std::string_view &text) {
        text = detail::view(from.get<backrun_str>(backrun_reader_str));
    }
};

template <>
struct codec<std::string> {
    static void write(writer &to, const std::string &text) { codec<std::string_view>::write(to, text); }
    static void read(reader &from, std::string &text) { text = from.read<std::string_view>(); }
};

/// Written only. NULL is null.
template <class Char>
struct codec<Char *, std::enable_if_t<std::is_same_v<std::remove_const_t<Char>, char>>> {
    static void write(writer &to, const char *text) {
        if (text == nullptr) {
            to.nil();
        } else {
            codec<std::string_view>::write(to, text);
        }
    }
};

template <>
struct codec<bytes_view> {
    static void write(writer &to, bytes_view bytes) { to.call(backrun_writer_bin, bytes.native()); }
    static void read(reader &from, bytes_view &bytes) {
        bytes = bytes_view(from.get<backrun_bytes>(backrun_reader_bin));
    }
};

namespace detail {

template <class T>
constexpr bool is_byte = std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::byte>;

} // namespace detail

template <class Byte, class Allocator>
struct codec<std::vector<Byte, Allocator>, std::enable_if_t<detail::is_byte<Byte>>> {
    static void write(writer &to, const std::vector<Byte, Allocator> &bytes) { codec<bytes_view>::write(to, bytes); }
    static void read(reader &from, std::vector<Byte, Allocator> &bytes) {
        const auto borrowed = from.read<bytes_view>();
        bytes.resize(borrowed.size());
        if (!borrowed.empty()) {
            std::memcpy(bytes.data(), borrowed.data(), borrowed.size());
        }
    }
};

template <class Byte, std::size_t Size>
struct codec<std::array<Byte, Size>, std::enable_if_t<detail::is_byte<Byte>>> {
    static void write(writer &to, const std::array<Byte, Size> &bytes) {
        codec<bytes_view>::write(to, bytes_view(bytes.data(), Size));
    }
    static void read(reader &from, std::array<Byte, Size> &bytes) {
        const std::size_t begun = from.offset();
        const auto borrowed = from.read<bytes_view>();
        if (borrowed.size() != Size) {
            detail::refuse(
                begun, std::to_string(Size) + " bytes were expected, and there are " + std::to_string(borrowed.size()));
        }
        if constexpr (Size > 0) {
            std::memcpy(bytes.data(), borrowed.data(), Size);
        }
    }
};

// ---- .NET's own types.

template <>
struct codec<guid> {
    static void write(writer &to, const guid &value) { to.call(backrun_writer_guid, value.bytes.data()); }
    static void read(reader &from, guid &value) { from.call(backrun_reader_guid, value.bytes.data()); }
};

template <>
struct codec<decimal> {
    static void write(writer &to, const decimal &value) { to.call(backrun_writer_decimal, detail::str(value.text)); }
    static void read(reader &from, decimal &value) {
        value.text = std::string(detail::view(from.get<backrun_str>(backrun_reader_decimal)));
    }
};

template <>
struct codec<date_time_offset> {
    static void write(writer &to, const date_time_offset &value) {
        to.call(backrun_writer_datetimeoffset, value.local_ticks, value.offset_minutes);
    }
    static void read(reader &from, date_time_offset &value) {
        from.call(backrun_reader_datetimeoffset, &value.local_ticks, &value.offset_minutes);
    }
};

template <>
struct codec<date_only> {
    static void write(writer &to, const date_only &value) { to.call(backrun_writer_dateonly, value.day); }
    static void read(reader &from, date_only &value) { value.day = from.get<std::int32_t>(backrun_reader_dateonly); }
};

template <>
struct codec<time_only> {
    static void write(writer &to, const time_only &value) { to.call(backrun_writer_timeonly, value.ticks); }
    static void read(reader &from, time_only &value) { value.ticks = from.get<std::int64_t>(backrun_reader_timeonly); }
};

namespace detail {

/// .NET's unit of time.
using ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;

/// A time in another unit; what the target cannot hold is told to `refuse`. A finer one is cut, downwards.
template <class To, class Rep, class Period, class Refuse>
To converted(std::chrono::duration<Rep, Period> time, const Refuse &refuse) {
    using wide = std::common_type_t<Rep, std::int64_t>;
    if constexpr (std::ratio_less_v<typename To::period, Period>) {
        // The most of the coarser unit that the finer one can hold.
        using from = std::chrono::duration<wide, Period>;
        if (time > std::chrono::duration_cast<from>((To::max)()) ||
            time < std::chrono::duration_cast<from>((To::min)())) {
            refuse();
        }
        return std::chrono::duration_cast<To>(time);
    } else {
        const auto cut = std::chrono::floor<std::chrono::duration<wide, typename To::period>>(time);
        if (static_cast<wide>(static_cast<typename To::rep>(cut.count())) != cut.count()) {
            refuse();
        }
        return To(static_cast<typename To::rep>(cut.count()));
    }
}

} // namespace detail

/// A TimeSpan. What is finer than 100 ns, and on reading finer than the type, is cut downwards.
template <class Rep, class Period>
struct codec<std::chrono::duration<Rep, Period>, std::enable_if_t<std::is_integral_v<Rep> && std::is_signed_v<Rep>>> {
    using duration = std::chrono::duration<Rep, Period>;
    static void write(writer &to, duration time) {
        const auto refuse = [] {
            throw error(error_code::invalid_argument, "the duration is longer than a TimeSpan can be");
        };
        to.call(backrun_writer_timespan, detail::converted<detail::ticks>(time, refuse).count());
    }
    static void read(reader &from, duration &time) {
        const std::size_t begun = from.offset();
        const detail::ticks read(from.get<std::int64_t>(backrun_reader_timespan));
        time = detail::converted<duration>(read, [&] {
            detail::refuse(begun, "the TimeSpan is longer than the std::chrono::duration that it is read into");
        });
    }
};

/// A DateTime, which is UTC. What is finer than 100 ns, and on reading finer than the type, is cut downwards.
template <class Duration>
struct codec<std::chrono::time_point<std::chrono::system_clock, Duration>,
    std::enable_if_t<std::is_integral_v<typename Duration::rep> && std::is_signed_v<typename Duration::rep>>> {
    using time_point = std::chrono::time_point<std::chrono::system_clock, Duration>;
    static void write(writer &to, time_point time) {
        const auto refuse = [] {
            throw error(error_code::invalid_argument, "the time is outside of the years 1 to 9999");
        };
        const std::int64_t since = detail::converted<detail::ticks>(time.time_since_epoch(), refuse).count();
        if (since > (std::numeric_limits<std::int64_t>::max)() - BACKRUN_TICKS_OF_1970) {
            refuse();
        }
        to.call(backrun_writer_datetime, since + BACKRUN_TICKS_OF_1970);
    }
    static void read(reader &from, time_point &time) {
        const std::size_t begun = from.offset();
        const detail::ticks since(from.get<std::int64_t>(backrun_reader_datetime) - BACKRUN_TICKS_OF_1970);
        time = time_point(detail::converted<Duration>(
            since, [&] { detail::refuse(begun, "the DateTime is one that the std::chrono::time_point cannot hold"); }));
    }
};

// ---- What holds others.

template <class T>
struct codec<std::optional<T>> {
    static void write(writer &to, const std::optional<T> &value) {
        if (value) {
            to.value(*value);
        } else {
            to.nil();
        }
    }
    static void read(reader &from, std::optional<T> &value) {
        if (from.try_nil()) {
            value.reset();
        } else {
            from.read(value.emplace());
        }
    }
};

namespace detail {

template <class T, class = void>
constexpr bool is_container = false;
template <class T>
constexpr bool is_container<T,
    std::void_t<typename T::value_type, decltype(std::declval<const T &>().begin()),
        decltype(std::declval<const T &>().size()),
        decltype(std::declval<T &>().insert(std::declval<T &>().end(), std::declval<typename T::value_type>()))>> =
    true;

template <class T, class = void>
constexpr bool is_map = false;
template <class T>
constexpr bool is_map<T, std::void_t<typename T::mapped_type, typename T::key_type>> = is_container<T>;

template <class T>
constexpr bool is_known = false;
template <class Char, class Traits, class Allocator>
constexpr bool is_known<std::basic_string<Char, Traits, Allocator>> = true;
template <class Byte, class Allocator>
constexpr bool is_known<std::vector<Byte, Allocator>> = is_byte<Byte>;

} // namespace detail

/// An array. Sets drop what comes twice, as they do in C#.
template <class Container>
struct codec<Container,
    std::enable_if_t<detail::is_container<Container> && !detail::is_map<Container> && !detail::is_known<Container>>> {
    using element = typename Container::value_type;
    static void write(writer &to, const Container &values) {
        to.begin_array(values.size());
        for (const auto &value : values) {
            codec<element>::write(to, value);
        }
        to.end();
    }
    static void read(reader &from, Container &values) {
        values.clear();
        from.elements([&] { values.insert(values.end(), from.read<element>()); });
    }
};

template <class T, std::size_t Size>
struct codec<std::array<T, Size>, std::enable_if_t<!detail::is_byte<T>>> {
    static void write(writer &to, const std::array<T, Size> &values) {
        to.begin_array(Size);
        for (const T &value : values) {
            to.value(value);
        }
        to.end();
    }
    static void read(reader &from, std::array<T, Size> &values) {
        const std::size_t begun = from.offset();
        const std::size_t count = from.begin_array();
        if (count != Size) {
            detail::refuse(begun,
                "an array of " + std::to_string(Size) + " was expected, and there is one of " + std::to_string(count));
        }
        for (T &value : values) {
            from.read(value);
        }
        from.end();
    }
};

/// A map. On reading a key that comes twice is refused, as C# does.
template <class Map>
struct codec<Map, std::enable_if_t<detail::is_map<Map>>> {
    static void write(writer &to, const Map &map) {
        to.begin_map(map.size());
        for (const auto &[key, value] : map) {
            to.value(key).value(value);
        }
        to.end();
    }
    static void read(reader &from, Map &map) {
        map.clear();
        for (std::size_t left = from.begin_map(); left > 0; --left) {
            const std::size_t begun = from.offset();
            auto key = from.read<typename Map::key_type>();
            const std::size_t before = map.size();
            map.emplace(std::move(key), from.read<typename Map::mapped_type>());
            if (map.size() == before) {
                detail::refuse(begun, "this key has been there before");
            }
        }
        from.end();
    }
};

namespace detail {

/// Arrays of exactly so many values; from the eighth on they lie in an array of their own, as the Rest of a Tuple does.
template <class Tuple, std::size_t From = 0>
struct tuple_codec {
    static constexpr std::size_t rest = std::tuple_size_v<Tuple> - From;
    static constexpr std::size_t plain = rest < 8 ? rest : 7;

    static void write(writer &to, const Tuple &values) {
        to.begin_array(rest < 8 ? rest : 8);
        write_plain(to, values, std::make_index_sequence<plain>());
        if constexpr (rest >= 8) {
            tuple_codec<Tuple, From + 7>::write(to, values);
        }
        to.end();
    }
    static void read(reader &from, Tuple &values) {
        const std::size_t begun = from.offset();
        const std::size_t count = from.begin_array();
        if (count != (rest < 8 ? rest : 8)) {
            refuse(begun, "a tuple of " + std::to_string(rest < 8 ? rest : 8) +
                              " was expected, and there is an array of " + std::to_string(count));
        }
        read_plain(from, values, std::make_index_sequence<plain>());
        if constexpr (rest >= 8) {
            tuple_codec<Tuple, From + 7>::read(from, values);
        }
        from.end();
    }

private:
    template <std::size_t... Index>
    static void write_plain(writer &to, const Tuple &values, std::index_sequence<Index...>) {
        (to.value(std::get<From + Index>(values)), ...);
    }
    template <std::size_t... Index>
    static void read_plain(reader &from, Tuple &values, std::index_sequence<Index...>) {
        (from.read(std::get<From + Index>(values)), ...);
    }
};

} // namespace detail

template <class... T>
struct codec<std::tuple<T...>, std::enable_if_t<(sizeof...(T) > 0)>> : detail::tuple_codec<std::tuple<T...>> {};

template <class First, class Second>
struct codec<std::pair<First, Second>> : detail::tuple_codec<std::pair<First, Second>> {};

} // namespace backrun

#endif // BACKRUN_CODEC_HPP
