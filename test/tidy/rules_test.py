"""The rules themselves: each finds what it forbids and lets pass what it allows."""
import unittest

import rules


def found(path, text):
    return [what for _, _, what in rules.findings(path, text)]


HEADER = "// What it is for.\n#pragma once\n"


class Layers(unittest.TestCase):
    def test_upward_and_sideways_includes_are_found(self):
        self.assertTrue(found("src/store/a.cc", '#include "mas/object/objects.h"\n'))
        self.assertTrue(found("src/store/a.cc", '#include "mas/codec/hash.h"\n'))
        self.assertTrue(found("src/store/a.cc", '#include "meta/rules.h"\n'))

    def test_downward_own_and_listed_includes_pass(self):
        self.assertFalse(found("src/store/a.cc", '#include "mas/fs/fs.h"\n#include "store/b.h"\n'))
        self.assertFalse(found("src/meta/a.cc", '#include "mas/layout/layout.h"\n'))


class PublicHeaders(unittest.TestCase):
    def test_drivers_and_heavy_asio_are_found(self):
        self.assertTrue(found("include/mas/meta/a.h", HEADER + "#include <rocksdb/db.h>\n"))
        self.assertTrue(found("include/mas/http/a.h", HEADER + "#include <boost/asio/ip/tcp.hpp>\n"))

    def test_awaitable_passes(self):
        self.assertFalse(found("include/mas/http/a.h", HEADER + "#include <boost/asio/awaitable.hpp>\n"))

    def test_guard_and_opening_comment_are_asked_for(self):
        self.assertEqual(len(found("include/mas/http/a.h", "int x;\n")), 2)


class Seams(unittest.TestCase):
    def test_system_calls_outside_their_owner_are_found(self):
        for text in ("auto t = std::chrono::steady_clock::now();", "time(nullptr);", "std::thread t;",
                     "std::ofstream f;", "int f = ::open(p, 0);", "std::random_device r;",
                     "asio::steady_timer t;", "std::this_thread::sleep_for(x);"):
            self.assertTrue(found("src/object/a.cc", text + "\n"), text)

    def test_owners_comments_and_strings_pass(self):
        self.assertFalse(found("src/runtime/a.cc", "std::thread t;\n"))
        self.assertFalse(found("src/object/a.cc", '// std::thread\nauto s = "::open(";\n'))
        self.assertFalse(found("src/object/a.cc", "store_->open(x); lifetime(0);\n"))

    def test_loops_over_unordered_containers_are_found(self):
        text = "std::unordered_map<int, int> m_;\nvoid f() { for (auto& x : m_) g(x); }\n"
        self.assertTrue(found("src/object/a.cc", text))
        self.assertFalse(found("src/object/a.cc", text.replace("unordered_", "")))


class Sizes(unittest.TestCase):
    def test_a_long_file_is_found(self):
        self.assertTrue(found("src/object/a.cc", "int x;\n" * 501))
        self.assertFalse(found("src/object/a.cc", "int x;\n" * 500))

    def test_a_long_function_is_found(self):
        body = "  g();\n"
        self.assertTrue(found("src/object/a.cc", "void f() {\n" + body * 69 + "}\n"))
        self.assertFalse(found("src/object/a.cc", "void f() {\n" + body * 68 + "}\n"))

    def test_a_long_member_function_is_found(self):
        text = "class A {\n public:\n  int f() {\n" + "    g();\n" * 70 + "  }\n};\n"
        self.assertTrue(found("src/object/a.cc", text))

    def test_a_function_whose_head_spans_lines_is_found(self):
        text = "int f(int a,\n      int b) {\n" + "  g();\n" * 70 + "}\n"
        self.assertTrue(found("src/object/a.cc", text))

    def test_a_long_class_of_short_functions_passes(self):
        text = "class A {\n public:\n" + "  int f() { return 1; }\n" * 200 + "};\n"
        self.assertFalse(found("src/object/a.cc", text))


if __name__ == "__main__":
    unittest.main()
