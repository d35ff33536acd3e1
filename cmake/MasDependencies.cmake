# Every library mas stands on, from the distribution. Nothing is downloaded.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url system)
find_package(RocksDB REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)

pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
# For the cluster's backends; found now so that the build does not change shape later.
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(MONGOC REQUIRED IMPORTED_TARGET libmongoc-1.0)
pkg_check_modules(RABBITMQ REQUIRED IMPORTED_TARGET librabbitmq)
find_library(MIMALLOC_LIBRARY mimalloc REQUIRED)

# Jerasure ships neither a CMake nor a pkg-config file.
find_path(JERASURE_INCLUDE_DIR jerasure.h REQUIRED)
find_library(JERASURE_LIBRARY NAMES Jerasure jerasure REQUIRED)
add_library(mas_jerasure INTERFACE)
target_include_directories(mas_jerasure SYSTEM INTERFACE ${JERASURE_INCLUDE_DIR} ${JERASURE_INCLUDE_DIR}/jerasure)
target_link_libraries(mas_jerasure INTERFACE ${JERASURE_LIBRARY})

# toml11 is headers only and has no CMake file under its package name.
find_path(TOML11_INCLUDE_DIR toml.hpp REQUIRED)
add_library(mas_toml11 INTERFACE)
target_include_directories(mas_toml11 SYSTEM INTERFACE ${TOML11_INCLUDE_DIR})

# Asio and Beast are compiled once (src/runtime/asio.cc, src/http/beast.cc), not in each unit.
add_library(mas_boost INTERFACE)
target_compile_definitions(mas_boost INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(mas_boost INTERFACE Boost::headers Boost::system Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes Asio's frame allocator, inlined into a coroutine, for a mismatched pair.
  target_compile_options(mas_boost INTERFACE -Wno-mismatched-new-delete)
endif()
