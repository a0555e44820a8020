include_guard(GLOBAL)
include(GNUInstallDirs)
