use super::*;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Messages that MessagePack-CSharp has written, how long they are without LZ4, and all before their first block.
const GOLDEN: &[(&str, usize, &str)] = &[
    ("c71263d2000000663fd9646101004b506161616161", 102, "c71263d200000066"),
    ("92d46266c60000000d3fd9646101004b506161616161", 102, "92d46266"),
    ("c71663d2000003eb4fda03e8610100ffffffd2506161616161", 1003, "c71663d2000003eb"),
    ("92c70362cd03ebc6000000114fda03e8610100ffffffd2506161616161", 1003, "92c70362cd03eb"),
    ("c76d63d200000066f057c46405048ba2e81c7e8c98c80abef712b37565f567f3fea96c7f496cac2716da4f01764a92f603c74d52f48baaa89f29edc475b954b693c2713474ab85df64ecbe24af595bcbcb2d1e67dfb9893f64ded05fd5b187e5a1eb62c8d3189e9c1c94e31746c7bb60", 102, "c76d63d200000066"),
    ("92d46266c600000068f057c46405048ba2e81c7e8c98c80abef712b37565f567f3fea96c7f496cac2716da4f01764a92f603c74d52f48baaa89f29edc475b954b693c2713474ab85df64ecbe24af595bcbcb2d1e67dfb9893f64ded05fd5b187e5a1eb62c8d3189e9c1c94e31746c7bb60", 102, "92d46266"),
    ("c73e63d20000008df9009aad6974656d206e756d62657220300e0019310e0019320e0019330e0019340e0019350e0019360e0019370e0015380e00506265722039", 141, "c73e63d20000008d"),
    ("92d562cc8dc600000039f9009aad6974656d206e756d62657220300e0019310e0019320e0019330e0019340e0019350e0019360e0019370e0015380e00506265722039", 141, "92d562cc8d"),
    ("c77263d20000008590de0014a46b65793000060020310106002032020600203303060020340406002035050600203606060020370706002038080600913909a56b657931300a070021310b070021320c070021330d070021340e070021350f070021361007002137110700903812a56b6579313913", 133, "c77263d200000085"),
    ("92d562cc85c60000006d90de0014a46b65793000060020310106002032020600203303060020340406002035050600203606060020370706002038080600913909a56b657931300a070021310b070021320c070021330d070021340e070021350f070021361007002137110700903812a56b6579313913", 133, "92d562cc85"),
];

/// 100 times `a` in text, in either form.
const BLOCK: &str = "c71263d2000000663fd9646101004b506161616161";
const ARRAY: &str = "92d46266c60000000d3fd9646101004b506161616161";

fn packed(body: &[u8], compression: Compression) -> Vec<u8> {
    compress(body, compression).unwrap().into_owned()
}

const BOTH: [Compression; 2] = [Compression::Lz4Block, Compression::Lz4BlockArray];

#[test]
fn what_the_library_has_compressed_is_read_and_compressed_into_the_same_container() {
    for (hex, length, head) in GOLDEN {
        let message = bytes(hex);
        let body = decompress(&message, DEFAULT_MAX_DECOMPRESSED).unwrap();
        assert_eq!(body.len(), *length, "{hex}");
        assert_eq!(Reader::new(&body).skip().unwrap(), &body[..], "{hex}: one whole value");
        let head = bytes(head);
        let compression = if message[0] == 0x92 { Compression::Lz4BlockArray } else { Compression::Lz4Block };
        let ours = packed(&body, compression);
        assert_eq!(decompress(&ours, *length as u64).unwrap(), body, "{hex}");
        // The one length in the head of an extension is that of the block, which another compressor may make another one.
        let from = if compression == Compression::Lz4Block { 2 } else { 0 };
        assert_eq!(ours[from..head.len()], head[from..], "{hex}");
        if compression == Compression::Lz4BlockArray {
            assert_eq!(ours[head.len()], 0xc6, "a bin header in its longest form");
        }
    }
}

#[test]
fn the_first_64_bytes_decide() {
    for compression in BOTH {
        assert!(matches!(compress(&[0; 63], compression).unwrap(), Cow::Borrowed(_)));
        assert!(matches!(compress(&[0; 64], compression).unwrap(), Cow::Owned(_)));
        assert!(matches!(compress(&[], compression).unwrap(), Cow::Borrowed([])));
    }
    assert!(matches!(compress(&[0; 64], Compression::None).unwrap(), Cow::Borrowed(_)));
}

#[test]
fn what_is_not_compressed_comes_back_as_it_is() {
    for plain in ["", "05", "90", "9105", "91d40507", "80", "d40500", "c0"] {
        let plain = bytes(plain);
        assert!(matches!(decompress(&plain, 0).unwrap(), Cow::Borrowed(same) if same == plain));
    }
}

#[test]
fn blocks_are_of_4_kib_and_then_of_32_and_may_split_a_value_anywhere() {
    let mut writer = Writer::new();
    (0..100_000u32).for_each(|n| writer.uint((n * 7).into()).unwrap());
    let body = writer.bytes();
    let message = packed(body, Compression::Lz4BlockArray);
    let mut reader = Reader::new(&message);
    let count = reader.array_header().unwrap() - 1;
    assert_eq!(reader.ext_header().unwrap().0, LZ4_BLOCK_ARRAY);
    let lengths: Vec<_> = (0..count).map(|_| reader.uint().unwrap() as usize).collect();
    assert_eq!(lengths[..2], [FIRST_BLOCK, NEXT_BLOCK]);
    assert_eq!(lengths.iter().sum::<usize>(), body.len());
    assert!(decompress(&message, DEFAULT_MAX_DECOMPRESSED).unwrap() == body);
}

#[test]
fn lengths_and_blocks_have_any_width_and_what_follows_is_ignored() {
    // As an unsigned number of one byte; in an extension whose own length is wrong; in a bin of the short form, in a str.
    for message in [
        "c70f63cc663fd9646101004b506161616161",
        "c8001263d2000000663fd9646101004b5061616161 61",
        "92c70562cc66c60000000d3fd9646101004b506161616161",
        "92d56266c40d3fd9646101004b506161616161",
        "92d46266ad3fd9646101004b506161616161",
        "dc0002d46266c5000d3fd9646101004b506161616161ffff",
        "c71263d2000000663fd9646101004b506161616161c1",
    ] {
        let message = bytes(&message.replace(' ', ""));
        let body = decompress(&message, 102);
        assert_eq!(body.unwrap()[..], [&[0xd9, 100][..], &[b'a'; 100]].concat());
    }
    // No block at all is a message without a byte.
    assert_eq!(decompress(&bytes("91c70062"), 0).unwrap(), &[][..]);
}

#[test]
fn more_than_the_limit_is_refused_over_all_blocks_before_memory_is_asked_for() {
    assert!(decompress(&bytes(BLOCK), 102).is_ok());
    let refused = |hex: &str, limit| decompress(&bytes(hex), limit).unwrap_err().problem;
    let what = "a decompressed message (max_decompressed)";
    assert_eq!(refused(BLOCK, 101), Problem::TooLong { what, length: 102, limit: 101 });
    assert_eq!(refused(ARRAY, 101), Problem::TooLong { what, length: 102, limit: 101 });
    let block = &ARRAY[8..];
    let two = format!("93d5626666{block}{block}");
    assert_eq!(decompress(&bytes(&two), 204).unwrap().len(), 204);
    assert_eq!(refused(&two, 203), Problem::TooLong { what, length: 204, limit: 203 });
    // Two gigabytes that the block does not have; a length below nothing.
    let claimed = "c71263d27fffffff3fd9646101004b506161616161";
    assert!(matches!(refused(claimed, DEFAULT_MAX_DECOMPRESSED), Problem::TooLong { .. }));
    assert!(matches!(refused(claimed, u64::MAX), Problem::Malformed { .. }));
    assert!(matches!(refused("c71263d2ffffffff3fd9646101004b506161616161", u64::MAX), Problem::TooLong { .. }));
}

#[test]
fn what_the_library_refuses_is_refused_with_its_place() {
    for (what, hex, at) in [
        ("a length of 0", "c70663d200000000 00", 8),
        ("too small a length", "c71263d200000065 3fd9646101004b506161616161", 15),
        ("too large a length", "c71263d200000067 3fd9646101004b506161616161", 21),
        ("cut in a literal", "c71163d200000066 3fd9646101004b5061616161", 16),
        ("cut in a copy", "c70a63d200000066 3fd9646101", 13),
        ("nothing", "c70563d200000066", 8),
        ("more after the end", "c71363d200000066 3fd9646101004b50616161616161", 21),
        ("a copy from before the beginning", "c71263d200000066 3fd9646104004b506161616161", 12),
        ("a copy from where it goes", "c71263d200000066 3fd9646100004b506161616161", 12),
        ("four literals at the end", "c71163d200000065 3fd9646101004b4061616161", 15),
        ("a length that is none", "c70363a161 00", 3),
        ("a length beyond the extension", "c70163d2 00000066", 3),
        ("a block that is none", "92d46266 93010203", 4),
        ("a nil for a block", "92d46266 c0", 4),
        ("fewer blocks than lengths", "92d46201 c0", 4),
        ("no block", "92d46266", 4),
    ] {
        let error = decompress(&bytes(&hex.replace(' ', "")), u64::MAX).unwrap_err();
        assert_eq!(error.offset, at, "{what}: {error}");
    }
}

/// Bytes with repetitions, as payloads have.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (any::<u8>(), 0..400usize).prop_map(|(byte, count)| vec![byte; count]),
        (prop::collection::vec(any::<u8>(), 1..30), 1..30usize).prop_map(|(part, count)| part.repeat(count)),
    ];
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn every_message_comes_back_by_the_rules_of_the_library(body in body()) {
        for compression in BOTH {
            let message = packed(&body, compression);
            // Ours is held to the rules for theirs.
            if body.len() >= MIN_LENGTH {
                prop_assert_eq!(decompress(&message, body.len() as u64).unwrap(), &body[..]);
                prop_assert!(decompress(&message, body.len() as u64 - 1).is_err());
            } else {
                prop_assert_eq!(&message, &body);
            }
        }
    }

    #[test]
    fn a_message_that_was_changed_or_cut_does_not_make_it_panic(
        body in body(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index, array: bool
    ) {
        let mut message = packed(&body, BOTH[usize::from(array)]);
        if !message.is_empty() {
            let at = at.index(message.len());
            message[at] = byte;
            message.truncate(cut.index(message.len()) + 1);
        }
        if let Ok(Cow::Owned(body)) = decompress(&message, 1 << 20) {
            // LZ4 makes no more than 255 bytes of one.
            prop_assert!(body.len() <= 255 * message.len());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, array: bool) {
        let head: &[u8] = if array { &[0x93, 0xd5, 98, 0x20, 0x08, 0xc4, 0x10] } else { &[0xc7, 30, 99, 0x40] };
        let _ = decompress(&[head, &bytes].concat(), 1 << 20);
        let _ = decompress(&bytes, 1 << 20);
    }
}
