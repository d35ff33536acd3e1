# Writes the text of INPUT into OUTPUT as the C++ function mas::api::openapi_document(). The text is
# cut into raw strings, as compilers bound the length of one.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(pieces "")
set(offset 0)
while(offset LESS length)
  string(SUBSTRING "${text}" ${offset} 8000 piece)
  string(APPEND pieces "R\"openapi(${piece})openapi\"\n")
  math(EXPR offset "${offset} + 8000")
endwhile()
file(WRITE ${OUTPUT} "#include \"mas/api/api.h\"

namespace mas::api {

std::string_view openapi_document() {
  static constexpr std::string_view text =
${pieces};
  return text;
}

}  // namespace mas::api
")
