import Tasq
import TasqWebhooks
import Testing

@Suite struct JSONPointerTests {
    private func value(_ pointer: String, _ json: String) throws -> String? {
        try JSONPointer(pointer, field: "id").value(in: Array(json.utf8))
    }

    @Test func `The pointers of RFC 6901 find their values`() throws {
        let document = #"""
            {"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}
            """#
        for (pointer, expected) in [
            ("", nil), ("/foo", nil), ("/foo/0", "bar"), ("/foo/1", "baz"), ("/", "0"),
            ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"), ("/g|h", "4"), ("/i\\j", "5"),
            ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"), ("/foo/-", nil), ("/foo/00", nil),
            ("/foo/2", nil), ("/foo/0/x", nil), ("/bar", nil),
        ] as [(String, String?)] {
            #expect(try value(pointer, document) == expected, "\(pointer)")
        }
    }

    @Test func `Strings are decoded, numbers stay as written, the rest has no text`() throws {
        #expect(try value("/a", #"{"a":"\ud83d\ude00\n\u00e9"}"#) == "\u{1F600}\né")
        #expect(try value("/a", #"{"a":1e400}"#) == "1e400")
        #expect(try value("/a", #"{"a":-0.10}"#) == "-0.10")
        #expect(try value("/a", #"{"a":true}"#) == "true")
        #expect(try value("/a", #"{"a":null}"#) == nil)
        #expect(try value("/a", #"{"a":{}}"#) == nil)
        #expect(try value("/a", #"{"a":"\ud800"}"#) == nil)
        #expect(try value("", "\"x\"") == "x")
    }

    @Test func `Of equal names the last one counts, whatever it holds`() throws {
        #expect(try value("/a", #"{"a":1,"a":2}"#) == "2")
        #expect(try value("/a", #"{"a":1,"\u0061":2}"#) == "2")
        #expect(try value("/a", #"{"a":1,"a":null}"#) == nil)
        #expect(try value("/a/b", #"{"a":{"b":1},"a":{}}"#) == nil)
        #expect(try value("/a/b", #"{"a":{"b":1},"a":7}"#) == nil)
        #expect(try value("/a/b", #"{"a":7,"a":{"b":1}}"#) == "1")
    }

    @Test func `Names that only look alike are different members`() throws {
        #expect(try value("/\u{E9}", "{\"e\u{301}\":1}") == nil)
        #expect(try value("/e\u{301}", "{\"\u{E9}\":1,\"e\u{301}\":2}") == "2")
    }

    @Test func `A document that is no JSON to its end has no values`() throws {
        #expect(try value("/a", #"{"a":1"#) == nil)
        #expect(try value("/a", #"{"a":1}x"#) == nil)
        #expect(try value("/a", String(repeating: "[", count: 65_536)) == nil)
        #expect(try value("/a", "a=1") == nil)
    }

    @Test(arguments: [
        "a", "a/b", "/~", "/~2", "/a~", String(repeating: "/a", count: 129),
        "/" + String(repeating: "a", count: 1000),
    ])
    func `What is not a pointer is refused`(text: String) {
        #expect(throws: InvalidInput.self) { try JSONPointer(text, field: "id") }
    }

    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func `In random documents every pointer finds what was written`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            var document: [UInt8] = []
            let expected = RandomJSON.write(to: &document, depth: 0, using: &random)
            try JSONText.check(document)
            for (utf8, value) in expected {
                let text = String(decoding: utf8, as: UTF8.self)
                let pointer = try JSONPointer(text, field: "seed")
                #expect(
                    pointer.value(in: document) == value,
                    "seed \(seed), \(text) in \(String(decoding: document, as: UTF8.self))")
                #expect(Array(pointer.description.utf8) == utf8)
            }
            let absent = try JSONPointer("/absent/1", field: "seed")
            #expect(absent.value(in: document) == nil)
        }
    }
}
