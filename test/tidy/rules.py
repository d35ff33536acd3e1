"""The style rules of mas as functions from (path, text) to findings. Pure, so that they can be tested."""
import re

LAYERS = {
    "core": 0, "observe": 0,
    "runtime": 1, "fs": 1, "config": 1, "net": 1,
    "http": 2, "codec": 2, "layout": 2, "store": 2, "meta": 2, "auth": 2,
    "membership": 3, "peer": 3,
    "object": 4, "maintain": 5, "api": 6, "app": 7,
}
# Within one layer a module may use only these.
SIDEWAYS = {
    ("observe", "core"),
    ("fs", "runtime"),       # the fault Fs draws from a seeded Rng
    ("net", "runtime"), ("net", "config"),
    ("meta", "layout"),      # the store keeps the layout document
    ("peer", "membership"),
}
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

# What reaches for the system instead of a seam, and the modules that own it.
SEAMS = [
    (r"\b(?:steady|system|high_resolution)_clock::now\b", {"runtime", "observe"}, "ask the Clock"),
    (r"(?<![\w.>:])time\s*\(\s*(?:NULL|nullptr|0|&|\))", {"runtime"}, "ask the Clock"),
    (r"\bgettimeofday\b|\bclock_gettime\b", {"runtime"}, "ask the Clock"),
    (r"\bsteady_timer\b|\bdeadline_timer\b", {"runtime"}, "use Clock::make_timer"),
    (r"\bstd::j?thread\b|\bpthread_create\b|\bstd::async\b", {"runtime"}, "use a Pool"),
    # The log writes when all pools stand still.
    (r"\bthread_pool\b", {"runtime", "observe"}, "use a Pool"),
    (r"\brandom_device\b|\bmt19937\b|(?<![\w.>:])s?rand\s*\(|\bRAND_bytes\b", {"runtime"}, "use the Rng"),
    (r"(?<![\w.>])::open\s*\(|\bfopen\s*\(|\bstd::[io]?fstream\b|\bopenat\s*\(", {"fs"}, "use the Fs"),
    (r"\bstd::filesystem\b", {"fs"}, "use the Fs"),
    (r"(?<![\w.>:])::socket\s*\(|\bip::tcp\b", {"net"}, "sockets belong to net"),
    (r"\bsleep_for\b|\bsleep_until\b", set(), "wait for a condition"),
    (r"(?<![\w.>:])u?sleep\s*\(", {"runtime"}, "wait for a condition"),
]
FORBIDDEN = [
    (r"\basio::detached\b", "spawn through a Gate"),
    (r"beast::http::async_", "Beast parses and serialises only"),
    (r"\bTODO\b|\bFIXME\b|\bXXX\b", "finish it or file an issue"),
    (r"\busing namespace std\b", "name what you use"),
]
DRIVER_HEADERS = r'#include\s+[<"](?:hiredis|mongoc|bson|amqp|rabbitmq-c|rocksdb|toml|spdlog|prometheus|lz4|xxh|jerasure|openssl)'


def module_of(path):
    """The module a file belongs to, or None outside src/ and include/mas/."""
    match = re.match(r"(?:src|include/mas)/([a-z_]+)/", path)
    return match.group(1) if match else None


def strip_comments(text):
    """The text with comments and string contents blanked, line breaks kept."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", piece)
        return piece[0] + re.sub(r"[^\n]", " ", piece[1:-1]) + piece[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def layer_findings(path, text):
    module = module_of(path)
    if module is None or module not in LAYERS:
        return
    for number, line in enumerate(text.split("\n"), 1):
        public = re.match(r'#include "mas/([a-z_]+)/', line)
        private = re.match(r'#include "([a-z_]+)/', line) if not public else None
        if public:
            other = public.group(1)
            if other not in LAYERS:
                yield number, f"unknown module {other}"
            elif other != module and LAYERS[other] >= LAYERS[module] \
                    and (module, other) not in SIDEWAYS:
                yield number, f"{module} (layer {LAYERS[module]}) includes {other} (layer {LAYERS[other]})"
        elif private and private.group(1) in LAYERS and private.group(1) != module:
            yield number, f"{module} includes a private header of {private.group(1)}"
        elif private and path.startswith("include/"):
            yield number, "a public header includes a private one"


def public_header_findings(path, text):
    if not path.startswith("include/"):
        return
    for number, line in enumerate(text.split("\n"), 1):
        asio = re.match(r"#include\s+<boost/(?:asio|beast)[/.](.*)>", line)
        if asio and asio.group(1) != "awaitable.hpp":
            yield number, "a public header may include nothing of Asio but awaitable.hpp"
        if re.match(DRIVER_HEADERS, line):
            yield number, "a public header includes a driver's header"
    if "#pragma once" not in text:
        yield 1, "no #pragma once"
    if not text.startswith("//"):
        yield 1, "a public header opens with what it is for"


def seam_findings(path, text):
    module = module_of(path)
    if module is None:
        return
    code = strip_comments(text)
    for pattern, owners, advice in SEAMS:
        if module in owners:
            continue
        for match in re.finditer(pattern, code):
            yield line_of(code, match.start()), f"{match.group(0).strip()}: {advice}"
    for pattern, advice in FORBIDDEN:
        for match in re.finditer(pattern, text):
            yield line_of(text, match.start()), f"{match.group(0)}: {advice}"


def unordered_findings(path, text):
    """Loops over unordered containers: their order differs from run to run."""
    module = module_of(path)
    if module is None or LAYERS.get(module, 0) < 2:
        return
    code = strip_comments(text)
    names = set(re.findall(r"std::unordered_(?:multi)?(?:map|set)<[^;{}]*>\s+(\w+)\s*[;{=]", code))
    for match in re.finditer(r"for\s*\([^;()]*:\s*\*?(?:this->)?(\w+)\s*\)", code):
        if match.group(1) in names:
            yield line_of(code, match.start()), f"loop over unordered {match.group(1)}"


def function_lengths(text):
    """(first line, lines) of each function body, found by Google-style indentation."""
    lines = strip_comments(text).split("\n")
    opening = None
    for number, line in enumerate(lines, 1):
        if opening is None:
            head = re.match(r"( {0,2})(?!namespace|class|struct|enum|union|extern|using|typedef|[}#])\S.*\{$", line)
            tail = re.match(r"( {0,6})\S.*\)(?: const| noexcept| override| final)*(?: ->.*)? \{$", line)
            if head and ("(" in line or tail):
                opening = (number, head.group(1))
            elif tail and not re.match(r" *(if|for|while|switch|else|do|try|catch|return|\[)", line):
                opening = (number, None)
        if opening is not None and opening[0] != number:
            close = re.match(r"( {0,2})\}[;,)]*$", line)
            if close and (opening[1] is None or close.group(1) == opening[1]):
                yield opening[0], number - opening[0] + 1
                opening = None


def size_findings(path, text):
    count = text.count("\n")
    if count > MAX_FILE_LINES:
        yield 1, f"{count} lines; at most {MAX_FILE_LINES}"
    if path.endswith((".cc", ".h")):
        for number, length in function_lengths(text):
            if length > MAX_FUNCTION_LINES:
                yield number, f"a function of {length} lines; at most {MAX_FUNCTION_LINES}"


ALL = [layer_findings, public_header_findings, seam_findings, unordered_findings, size_findings]


def findings(path, text):
    """Every finding in one file, as (path, line, what)."""
    for rule in ALL:
        for line, what in rule(path, text):
            yield path, line, what
