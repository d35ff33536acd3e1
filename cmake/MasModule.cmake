# mas_module(NAME DEPS other modules... LIBS outside libraries...)
#
# Declares src/NAME as the static library mas_NAME from every .cc file below it. DEPS are modules of
# lower layers and are seen by users of NAME; LIBS stay private to it.
function(mas_module name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;PUBLIC_LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)
    # A module whose interfaces are headers only.
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.cc "")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.cc)
  endif()
  add_library(mas_${name} STATIC ${sources})
  target_include_directories(mas_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include
                                         PRIVATE ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM ARG_DEPS PREPEND mas_)
  target_link_libraries(mas_${name} PUBLIC ${ARG_DEPS} ${ARG_PUBLIC_LIBS} PRIVATE ${ARG_LIBS})
endfunction()
