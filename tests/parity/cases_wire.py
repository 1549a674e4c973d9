# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parser: section 5.1, 5.4, 5.6 and 5.8. Each line is one case: what is sent, as bytes."""

import json
import time

from cases import CASES, WIRE, add, case
from wire import Timeout

NAME = b'{"execute":"query-name"'

# (name, bytes). The reply to each is recorded up to that of a command sent behind it.
EXCHANGES = [
    # ids, 5.4
    ("id-string", NAME + b',"id":"a"}'),
    ("id-empty-string", NAME + b',"id":""}'),
    ("id-integer", NAME + b',"id":7}'),
    ("id-negative", NAME + b',"id":-9223372036854775808}'),
    ("id-u64-max", NAME + b',"id":18446744073709551615}'),
    ("id-above-u64", NAME + b',"id":18446744073709551616}'),
    ("id-below-i64", NAME + b',"id":-9223372036854775809}'),
    ("id-float", NAME + b',"id":1.5}'),
    ("id-float-spelling", NAME + b',"id":1.10}'),
    ("id-float-exponent", NAME + b',"id":1e3}'),
    ("id-float-small", NAME + b',"id":1E-7}'),
    ("id-minus-zero", NAME + b',"id":-0}'),
    ("id-null", NAME + b',"id":null}'),
    ("id-true", NAME + b',"id":true}'),
    ("id-list", NAME + b',"id":[1,"b",null,{}]}'),
    ("id-object", NAME + b',"id":{"x":{"y":[]}}}'),
    ("id-unicode-bytes", NAME + ',"id":"\u00fc\u20ac"}'.encode()),
    ("id-unicode-escape", NAME + b',"id":"\\u00fc\\u20ac"}'),
    ("id-surrogate-pair", NAME + b',"id":"\\ud83d\\ude00"}'),
    ("id-four-byte-utf8", NAME + ',"id":"\U0001f600"}'.encode()),
    ("id-escapes", NAME + b',"id":"\\"\\\\\\/\\b\\f\\n\\r\\t"}'),
    ("id-delete-char", NAME + b',"id":"\x7f"}'),
    ("id-in-command-error", b'{"execute":"no-such","id":"e1"}'),
    ("id-in-argument-error", b'{"execute":"balloon","id":"e2"}'),
    ("id-in-member-error", b'{"execute":"query-name","foo":1,"id":"e3"}'),
    ("id-first", b'{"id":1,"execute":"query-name"}'),
    ("id-alone", b'{"id":"only"}'),
    # members, 5.4
    ("member-unknown", b'{"execute":"query-name","foo":1}'),
    ("member-execute-missing", b'{"arguments":{}}'),
    ("member-empty-object", b"{}"),
    ("member-execute-integer", b'{"execute":1}'),
    ("member-execute-null", b'{"execute":null}'),
    ("member-execute-list", b'{"execute":["query-name"]}'),
    ("member-arguments-list", b'{"execute":"query-name","arguments":[1]}'),
    ("member-arguments-null", b'{"execute":"query-name","arguments":null}'),
    ("member-arguments-string", b'{"execute":"query-name","arguments":"x"}'),
    ("member-arguments-empty", b'{"execute":"query-name","arguments":{}}'),
    ("member-arguments-unexpected", b'{"execute":"query-name","arguments":{"x":1}}'),
    ("member-arguments-first", b'{"arguments":{},"execute":"query-name"}'),
    ("member-exec-oob", b'{"exec-oob":"query-name"}'),
    ("member-execute-and-exec-oob", b'{"execute":"query-name","exec-oob":"query-name"}'),
    ("member-top-list", b"[]"),
    ("member-top-list-of-command", b"[" + NAME + b"}]"),
    ("member-top-string", b'"query-name"'),
    ("member-top-true", b"true "),
    ("member-top-null", b"null "),
    ("member-top-number", b"12 "),
    ("member-top-number-ended-by-object", b"12" + NAME + b"}"),
    ("command-unknown", b'{"execute":"no-such-command"}'),
    ("command-empty", b'{"execute":""}'),
    ("command-wrong-case", b'{"execute":"Query-Name"}'),
    ("command-with-space", b'{"execute":"query-name "}'),
    ("command-with-percent", b'{"execute":"%s%n"}'),
    ("command-with-quote", b'{"execute":"a\\"b"}'),
    ("command-unicode", '{"execute":"\u00fc"}'.encode()),
    ("duplicate-key", b'{"execute":"query-name","execute":"query-name"}'),
    ("duplicate-key-in-arguments", b'{"execute":"balloon","arguments":{"value":1,"value":2}}'),
    ("duplicate-id", NAME + b',"id":1,"id":2}'),
    # framing, 5.1
    ("frame-two-commands", NAME + b',"id":1}' + NAME + b',"id":2}'),
    ("frame-ten-commands-in-order", b"".join(NAME + b',"id":%d}' % i for i in range(10))),
    ("frame-cr-lf", NAME + b',"id":1}\r\n' + NAME + b',"id":2}\r\n'),
    ("frame-white-space", b" \t\r\n{ \n\"execute\"\t:\r\"query-name\" }\n\n\n"),
    ("frame-only-white-space", b" \r\n\t \n"),
    ("frame-newline-inside-object", b'{"execute":\n"query-name"\n,\n"id"\n:\n1\n}'),
    ("frame-form-feed", b"\f" + NAME + b"}"),
    ("frame-byte-order-mark", b"\xef\xbb\xbf" + NAME + b"}"),
    # strings, 5.8
    ("string-single-quotes", b"{'execute':'query-name','id':'a'}"),
    ("string-single-quote-escaped", b"{'execute':'query-name','id':'it\\'s'}"),
    ("string-double-in-single", b"{'execute':'query-name','id':'say \"x\"'}"),
    ("string-single-in-double", NAME + b',"id":"it\'s"}'),
    ("string-escaped-single-in-double", NAME + b',"id":"it\\\'s"}'),
    ("string-invalid-escape", NAME + b',"id":"\\x41"}'),
    ("string-invalid-hex", NAME + b',"id":"\\u00g1"}'),
    ("string-short-hex", NAME + b',"id":"\\u00"}'),
    ("string-nul-escape", NAME + b',"id":"a\\u0000b"}'),
    ("string-lone-high-surrogate", NAME + b',"id":"\\ud800"}'),
    ("string-lone-low-surrogate", NAME + b',"id":"\\udc00"}'),
    ("string-two-high-surrogates", NAME + b',"id":"\\ud800\\ud800"}'),
    ("string-noncharacter", NAME + b',"id":"\\uffff"}'),
    ("string-invalid-utf8", NAME + b',"id":"\xc3\x28"}'),
    ("string-overlong-utf8", NAME + b',"id":"\xc0\x80"}'),
    ("string-utf8-surrogate", NAME + b',"id":"\xed\xa0\x80"}'),
    ("string-utf8-too-large", NAME + b',"id":"\xf4\x90\x80\x80"}'),
    ("string-utf8-cut", NAME + b',"id":"\xe2\x82"}'),
    ("string-0xff", NAME + b',"id":"\xff"}'),
    ("string-control-char", NAME + b',"id":"a\x01b"}'),
    ("string-tab", NAME + b',"id":"a\tb"}'),
    ("string-newline", NAME + b',"id":"a\nb"}'),
    ("string-nul-byte", NAME + b',"id":"a\x00b"}'),
    ("string-unterminated", NAME + b',"id":"abc\n'),
    # structure, 5.8
    ("syntax-missing-colon", b'{"execute" "query-name"}'),
    ("syntax-missing-comma", NAME + b' "id":1}'),
    ("syntax-trailing-comma", NAME + b",}"),
    ("syntax-leading-comma", b'{,"execute":"query-name"}'),
    ("syntax-missing-value", b'{"execute":}'),
    ("syntax-key-integer", b'{1:"query-name"}'),
    ("syntax-key-bare", b'{execute:"query-name"}'),
    ("syntax-list-trailing-comma", NAME + b',"id":[1,]}'),
    ("syntax-list-missing-comma", NAME + b',"id":[1 2]}'),
    ("syntax-extra-brace", NAME + b"}}"),
    ("syntax-extra-bracket", b"]" + NAME + b"}"),
    ("syntax-wrong-bracket", b'{"execute":"query-name"]'),
    ("syntax-bracket-in-object", b"[{]}"),
    ("syntax-comma-alone", b","),
    ("syntax-colon-alone", b":"),
    ("syntax-keyword-cut", b'{"execute":nul}'),
    ("syntax-keyword-case", NAME + b',"id":True}'),
    ("syntax-keyword-longer", NAME + b',"id":truely}'),
    ("syntax-nan", NAME + b',"id":NaN}'),
    ("syntax-infinity", NAME + b',"id":-Infinity}'),
    ("syntax-number-leading-zero", NAME + b',"id":00}'),
    ("syntax-number-minus", NAME + b',"id":-}'),
    ("syntax-number-plus", NAME + b',"id":+1}'),
    ("syntax-number-no-fraction", NAME + b',"id":1.}'),
    ("syntax-number-no-integer", NAME + b',"id":.5}'),
    ("syntax-number-no-exponent", NAME + b',"id":1e}'),
    ("syntax-number-hex", NAME + b',"id":0x10}'),
    ("syntax-number-huge-exponent", NAME + b',"id":1e999}'),
    ("syntax-comment", b"/* x */" + NAME + b"}"),
    ("syntax-hash", b"#" + NAME + b"}"),
    ("syntax-interpolation", b'{"execute":%s}'),
    ("syntax-control-char", b"\x01" + NAME + b"}"),
    ("syntax-nul", b"\x00" + NAME + b"}"),
    ("syntax-0xff", b"\xff" + NAME + b"}"),
    ("syntax-control-char-in-object", b'{"execute":\x02"query-name"}'),
    ("syntax-words", b"help me\n"),
    ("syntax-http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("syntax-errors-in-a-row", b"] ] ]"),
]

# Inputs that leave the parser in the middle of a value: 0xff brings it back, with an error of its own.
UNFINISHED = [
    ("string-mixed-quotes", b"{\"execute':1}"),
    ("unfinished-object", b'{"execute":"query-name"'),
    ("unfinished-list", b"[[["),
    ("unfinished-string", b'{"execute":"query-na'),
    ("unfinished-single-quoted", b"{'execute':'query-na"),
    ("unfinished-escape", b'{"execute":"a\\'),
    ("unfinished-key", b'{"execute":"query-name","i'),
    ("unfinished-keyword", b'{"execute":tru'),
]


def exchange(data, flush=b"", abbreviate=False):
    return lambda talk: talk.client().raw(data, flush, abbreviate)


for _name, _data in EXCHANGES:
    add(_name, "5.4, 5.8", WIRE, exchange(_data))
for _name, _data in UNFINISHED:
    add(_name, "5.8 a control character resets the parser", WIRE, exchange(_data, b"\xff"))


def nested(depth):
    return NAME + b',"id":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


add("nesting-100", "5.8", WIRE, exchange(nested(100), abbreviate=True))
add("nesting-1024", "5.8 the deepest allowed", WIRE, exchange(nested(1024), abbreviate=True))
add("nesting-1025", "5.8 one too deep", WIRE, exchange(nested(1025), b"\xff", abbreviate=True))
add("id-300-kib", "5.4 longer id", WIRE, exchange(NAME + b',"id":"' + b"a" * 307200 + b'"}', b"\xff", abbreviate=True))
add("id-60-kib", "5.4 long id", WIRE, exchange(NAME + b',"id":"' + b"a" * 61440 + b'"}', abbreviate=True))
for _name, _count in (("list-of-5000", 5000), ("list-of-10000", 10000)):
    add(
        _name,
        "5.8 many tokens",
        WIRE,
        exchange(NAME + b',"id":[' + b"1," * (_count - 1) + b"1]}", b"\xff", abbreviate=True),
    )


def until_refused(talk, begin, piece, pieces, end):
    """Send piece after piece of one value until the server has had enough, then end the value. Records the first error
    and that the connection lives: what a server says about the pieces that it had not yet read depends on its limit."""
    client = talk.client()
    client.connection.send(begin)
    first = None
    for _ in range(pieces):
        client.connection.send(piece)
        # Not ahead of the server: it may have more to say of the rest than it keeps for a client that does not read.
        while not first:
            try:
                first = client.connection.reply(0.001)
            except Timeout:
                if client.connection.all_is_read():
                    break
        if first:
            break
    client.connection.send(end + b"\xff" + NAME + b',"id":"end"}')
    reply = client.connection.reply(900)
    first = first or reply
    while reply.get("id") != "end":
        reply = client.connection.reply()
    client.note(first=first, lives=talk.plain(reply))


@case("5.8 a value that is too large is refused and the connection lives on", WIRE)
def too_large_is_refused(talk):
    until_refused(talk, NAME + b',"id":"', b"a" * (1 << 18), 4 * 65, b'"}')


# QEMU takes five seconds for a MiB.
CASES["too-large-is-refused"].slow_on = ("qemu",)


@case("5.8 more tokens than allowed are refused and the connection lives on", WIRE)
def too_many_tokens_are_refused(talk):
    until_refused(talk, NAME + b',"id":[', b"1," * 4096, 257, b"1]}")


@case("5.1 one command in many reads", WIRE)
def frame_byte_by_byte(talk):
    client = talk.client()
    for index in range(len(NAME + b',"id":12}')):
        client.connection.send((NAME + b',"id":12}')[index : index + 1])
        time.sleep(0.002)
    client.note(got=talk.plain(client.connection.reply()))


@case("5.1 no delimiter is needed behind a command", WIRE)
def frame_no_newline(talk):
    client = talk.client()
    client.connection.send(NAME + b',"id":1}')
    client.note(got=talk.plain(client.connection.reply()))


@case("5.1 a bare number is complete only at the next delimiter", WIRE)
def frame_number_waits_for_delimiter(talk):
    client = talk.client()
    client.connection.send(b"12")
    before = client.connection.pending
    client.connection.send(b"3\n")
    client.note(before=before.decode(), got=talk.plain(client.connection.reply()))


@case("5.6 a client that pipelines gets every answer in order", WIRE)
def pipeline_of_500(talk):
    client = talk.client()
    client.connection.send(b"".join(NAME + b',"id":%d}' % i for i in range(500)))
    ids = [client.connection.reply().get("id") for _ in range(500)]
    client.note(in_order=ids == list(range(500)))


@case("4.12 a client that vanishes inside a command leaves nothing behind", WIRE)
def vanish_inside_command(talk):
    first = talk.client()
    first.connection.send(b'{"execute":"query-na')
    first.close()
    second = talk.client()
    second.raw(b'{"execute":"query-name","id":1}')


@case("4.12 a client that vanishes before its answer does not disturb the next", WIRE)
def vanish_before_answer(talk):
    first = talk.client()
    first.connection.send(b"".join(NAME + b',"id":%d}' % i for i in range(50)))
    first.close()
    second = talk.client()
    second.raw(json.dumps({"execute": "query-name", "id": 1}).encode())


@case("5.8 one error reply for each error, then business as usual", WIRE)
def errors_then_command(talk):
    talk.client().raw(b'{"a" ]\xff{"execute":"query-name","id":5}}{"execute":"query-name","id":6}', b"\xff")
