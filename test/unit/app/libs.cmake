add_library(unit_app_paths INTERFACE)
target_compile_definitions(unit_app_paths INTERFACE MAS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
set(MAS_TEST_LIBS unit_app_paths)
