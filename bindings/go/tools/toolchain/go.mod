module github.com/libacurast/libacurast/bindings/go/tools/toolchain

go 1.19
