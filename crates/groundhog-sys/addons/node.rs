//! What Node loads to seed its OpenSSL, which cannot be reached from JavaScript: `seed(text)`.
//!
//! Runs inside the function process, alone: the build script of groundhog-py compiles it into a shared object of its own.
//! Its functions are those of Node and of the OpenSSL that Node has, found when it is loaded. See Node-API, version 1,
//! and `RAND_add(3)`.

#![cfg_attr(alone, no_std)]

use core::ffi::{CStr, c_char, c_double, c_int, c_void};
use core::ptr;

/// `napi_env`, `napi_value` and `napi_callback_info`: none of them is looked into.
type Handle = *mut c_void;
type Callback = unsafe extern "C" fn(Handle, Handle) -> Handle;

const OK: c_int = 0;
const NAME: &CStr = c"seed";
const ENOUGH: c_double = 32.0; // bytes of entropy: with less, OpenSSL goes on with what it has
const LONGEST: usize = 256;

unsafe extern "C" {
    fn napi_create_function(
        env: Handle,
        name: *const c_char,
        length: usize,
        callback: Callback,
        data: *mut c_void,
        result: *mut Handle,
    ) -> c_int;
    fn napi_get_cb_info(
        env: Handle,
        info: Handle,
        count: *mut usize,
        arguments: *mut Handle,
        this: *mut Handle,
        data: *mut *mut c_void,
    ) -> c_int;
    fn napi_get_value_string_latin1(
        env: Handle,
        value: Handle,
        buffer: *mut c_char,
        size: usize,
        length: *mut usize,
    ) -> c_int;
    fn napi_throw_error(env: Handle, code: *const c_char, message: *const c_char) -> c_int;
    fn RAND_add(buffer: *const c_void, length: c_int, entropy: c_double);
    fn RAND_status() -> c_int;
}

/// Mix a text into OpenSSL's generator. That makes all its threads draw from the kernel anew before their next number:
/// OpenSSL compares how often the generator that they stem from was seeded.
unsafe extern "C" fn seed(env: Handle, info: Handle) -> Handle {
    let mut argument: Handle = ptr::null_mut();
    let mut count = 1;
    let mut text = [0; LONGEST];
    let mut length = 0;
    // SAFETY: Node calls this with a live environment and call; it writes at most `count` arguments, and at most
    // `LONGEST` bytes of text. RAND_add reads the bytes that were written.
    let seeded = unsafe {
        napi_get_cb_info(env, info, &raw mut count, &raw mut argument, ptr::null_mut(), ptr::null_mut()) == OK
            && count == 1
            && napi_get_value_string_latin1(env, argument, text.as_mut_ptr(), LONGEST, &raw mut length) == OK
            && length > 0
            && {
                RAND_add(text.as_ptr().cast(), length as c_int, ENOUGH);
                RAND_status() == 1
            }
    };
    if !seeded {
        // SAFETY: as above; the message is a text of C, and the code may be left out.
        unsafe { napi_throw_error(env, ptr::null(), c"OpenSSL could not be seeded".as_ptr()) };
    }
    ptr::null_mut() // undefined
}

/// Called by Node when it loads this: what it returns is the module.
///
/// # Safety
///
/// As Node does it: `env` is the environment that loads it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn napi_register_module_v1(env: Handle, _exports: Handle) -> Handle {
    let mut function: Handle = ptr::null_mut();
    // SAFETY: the environment is live, the name has the length that is given, and the function has the type of a callback.
    // It leaves null on failure, which is an empty module.
    unsafe {
        napi_create_function(
            env,
            NAME.as_ptr(),
            NAME.count_bytes(),
            seed,
            ptr::null_mut(),
            &raw mut function,
        );
    }
    function
}

/// Nothing here panics; without the standard library there has to be one.
#[cfg(alone)]
#[panic_handler]
fn never(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
