set(MAS_TEST_LIBS mas_meta mas_layout mas_codec mas_object mas_store mas_fs)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes Asio's frame allocator, inlined into a coroutine, for a mismatched pair.
  set_source_files_properties(${unit_sources} PROPERTIES
                              COMPILE_OPTIONS -Wno-mismatched-new-delete)
endif()
