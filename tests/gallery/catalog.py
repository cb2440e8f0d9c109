"""The functions of the gallery: what each shows, needs, is asked, and how its answers are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent
Compared = Literal["exactly", "by shape", "uniquely"]
Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One function. Every payload has a number ``n``, on which the answer depends."""

    file: str
    shows: str
    """In a few words; libraries are named by ``packages``."""
    packages: tuple[str, ...] = ()
    """Beside the standard library or Node itself; pinned in requirements/gallery.txt or in package.json."""
    programs: tuple[str, ...] = ()
    """Commands that it runs, of those which `make gallery` installs."""
    servers: tuple[str, ...] = ()
    """Databases that it asks, of those in `tests.gallery.environment.SERVERS`."""
    options: tuple[str, ...] = ()
    """Of the language: those for Java take the place of the usual ones."""
    payloads: tuple[Payload, ...] = ({"n": 3}, {"n": 5})
    """What the requests carry, in turn."""
    warmup: tuple[Payload, ...] = ({"n": 4},)
    compared: Compared = "exactly"
    """With the answers of fresh processes: "exactly"; "by shape", the types alone; "uniquely": by shape, and
    no identifier or random number may come twice.
    """
    replaced: str = ""
    """Why each request costs a process; empty if none may."""
    advice: str = ""
    """For who has such a function."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return FOLDER / self.file

    @property
    def name(self) -> str:
        """With its folder, since two languages may show the same."""
        return self.file.removesuffix("/Cargo.toml").partition(".")[0]

    @property
    def rounds(self) -> int:
        """How often the warm-up is served: Node has to compile what is used often."""
        return 20 if self.file.startswith("nodejs/") else 1

    @property
    def runs_anywhere(self) -> bool:
        """Whether it needs no more than `make test` does."""
        return not (self.packages or self.programs or self.servers or self.file.startswith("programs/"))


_COMPILES = "warm it up: code that is compiled before the snapshot need not be compiled by each request"
_FIRST_CALL = "warm it up: much is imported or cached by the first call"
_NO_WATCH = (
    "watch in requests alone: a warm-up that does leaves Node an inotify instance, which may not change"
)
_NO_LOCK = "no lock may be held at the snapshot"
_OWN_GENERATOR = "seed generators of your own in a [hook](uniqueness.md#hooks), as here"
_POOL = "start processes in the request: none may be there at the snapshot"
_BROWSER = "its processes, which have several threads, hand descriptors to each other"
_HOOK = "connect in a [hook](tuning.md#connections), best with `--hooks eager`"
_LATE = "it takes its time to connect anew: use it in a [hook](tuning.md#connections)"
_SHUT = (
    "a connection that is older than the request cannot be put back, and the library does not connect anew"
)
_KEPT = 'each request starts them anew: `prefer="threads"`, or none for little work'

PYTHON_ITSELF = (
    Entry("python/asyncio_tasks.py", "tasks, a queue and a thread in an event loop of the load time"),
    Entry("python/asyncio_subprocess.py", "a child that is awaited"),
    Entry("python/subprocess_run.py", "a program that is run to its end"),
    Entry("python/shell_pipeline.py", "a pipeline of the shell, with files"),
    Entry("python/multiprocessing_pool.py", "a pool of forked processes", advice=_POOL),
    Entry("python/multiprocessing_spawn.py", "a process that is a new interpreter", advice=_POOL),
    Entry("python/multiprocessing_forkserver.py", "a process that a server forks"),
    Entry("python/process_executor.py", "an executor of processes", advice=_POOL),
    Entry("python/thread_executor.py", "an executor of threads of the load time"),
    Entry("python/thread_local_values.py", "threads of the request, a barrier, a condition"),
    Entry("python/thread_timer.py", "a thread of the load time that ends in the request", warmup=()),
    Entry("python/queue_logging.py", "log records that a thread of the load time writes"),
    Entry("python/sqlite_file.py", "a database in a file"),
    Entry(
        "python/sqlite_journal.py",
        "a database with a write-ahead log, open since the load time",
        warmup=(),
        replaced="SQLite holds a lock on the log's index as long as the database is open",
        advice="open it in the request, or use another journal mode",
    ),
    Entry("python/sqlite_memory.py", "a database in memory"),
    Entry("python/mapped_file.py", "a file that is mapped since the load time"),
    Entry("python/shared_memory_block.py", "shared memory by name"),
    Entry("python/temporary_files.py", "files, folders, links, a ZIP archive"),
    Entry("python/tar_archive.py", "a TAR archive in memory"),
    Entry("python/compression.py", "zlib, gzip, bz2, lzma"),
    Entry("python/zone_times.py", "time zones"),
    Entry("python/c_library.py", "the C library through ctypes, with a callback"),
    Entry("python/pseudo_terminal.py", "a program in a terminal of its own"),
    Entry("python/socket_server.py", "a server and its client in one request"),
    Entry("python/http_server_and_client.py", "an HTTP server that listens since the load time"),
    Entry(
        "python/unix_sockets.py",
        "a pair of sockets, a descriptor that is handed over",
        warmup=(),
        replaced="a descriptor is handed on through a socket that is older than the request",
        advice="make the pair of sockets in the request: then it is reverted",
    ),
    Entry("python/signal_alarms.py", "handlers of signals, alarms"),
    Entry("python/fault_handler.py", "tracebacks of crashes, and a thread that waits to dump them"),
    Entry("python/file_watching.py", "a folder that is watched (inotify)"),
    Entry("python/file_locks.py", "locks of a file, seen by a child", warmup=(), advice=_NO_LOCK),
    Entry("python/named_pipe.py", "a named pipe between threads"),
    Entry("python/process_settings.py", "environment, working directory, limits, locale"),
    Entry("python/module_state.py", "caches, contexts, default arguments, lazy imports"),
    Entry("python/random_numbers.py", "the module `random`", compared="uniquely", advice=_OWN_GENERATOR),
    Entry(
        "python/tokens_and_uuids.py", "`uuid`, `secrets`, `os.urandom`, temporary names", compared="uniquely"
    ),
    Entry("python/memory_tracing.py", "tracemalloc, a frozen garbage collector"),
    Entry("python/shelf_of_objects.py", "pickled objects in a database"),
    Entry("python/text_formats.py", "JSON, CSV, XML, INI, mail"),
    Entry("python/password_hashes.py", "hashes and keys by OpenSSL"),
    Entry("python/tls_connection.py", "a TLS handshake", compared="uniquely"),
)

PYTHON_LIBRARIES = (
    Entry("python/numpy_linear_algebra.py", "products, inverses, singular values", ("numpy",)),
    Entry("python/numpy_blas_and_fork.py", "OpenBLAS, whose threads end at a fork", ("numpy",)),
    Entry(
        "python/numpy_random.py",
        "generators of random numbers",
        ("numpy",),
        compared="uniquely",
        advice=_OWN_GENERATOR,
    ),
    Entry("python/scipy_optimization.py", "a minimum, an integral, a sparse system", ("scipy", "numpy")),
    Entry("python/scipy_fourier.py", "a transform by threads, a filter", ("scipy", "numpy")),
    Entry("python/pandas_groups.py", "a table that is read, joined, grouped", ("pandas",)),
    Entry("python/pandas_parquet.py", "a table that goes to Parquet and back", ("pandas", "pyarrow")),
    Entry("python/polars_groups.py", "a lazy query by threads", ("polars",)),
    Entry("python/pyarrow_compute.py", "columns, filters, a compressed file", ("pyarrow",)),
    Entry("python/duckdb_query.py", "a database of the request", ("duckdb",)),
    Entry("python/duckdb_table.py", "a database of the load time", ("duckdb",)),
    Entry("python/scikit_learn_forest.py", "training by threads", ("scikit-learn", "numpy")),
    Entry(
        "python/scikit_learn_model.py", "a model of the load time that predicts", ("scikit-learn", "numpy")
    ),
    Entry("python/joblib_processes.py", "work for processes that joblib keeps", ("joblib",), advice=_KEPT),
    Entry(
        "python/onnx_model.py", "inference with a model of the load time", ("onnxruntime", "onnx", "numpy")
    ),
    Entry("python/opencv_edges.py", "a picture, by threads", ("opencv-python-headless", "numpy")),
    Entry("python/pillow_filters.py", "a picture that is drawn, filtered, compressed", ("pillow",)),
    Entry("python/lxml_documents.py", "XPath, a style sheet of the load time", ("lxml",)),
    Entry("python/matplotlib_chart.py", "a chart", ("matplotlib",), advice=_FIRST_CALL),
    Entry("python/cryptography_keys.py", "keys, signatures, tokens", ("cryptography",), compared="uniquely"),
    Entry("python/requests_session.py", "a session with cookies, a refused connection", ("requests",)),
    Entry("python/httpx_client.py", "a client of the load time, a refused connection", ("httpx",)),
    Entry("python/aiohttp_server_and_client.py", "a WebSocket server and its client", ("aiohttp",)),
    Entry("python/boto3_clients.py", "a client of AWS: a signature, a refused connection", ("boto3",)),
    Entry("python/sqlalchemy_orders.py", "objects in SQLite, a pool of connections", ("SQLAlchemy",)),
    Entry("python/pymongo_identifiers.py", "object identifiers", ("pymongo",), compared="uniquely"),
    Entry("python/uuid_utils_identifiers.py", "identifiers by Rust", ("uuid_utils",), compared="uniquely"),
    Entry("python/lmdb_environment.py", "a map that is larger than its file", ("lmdb",)),
    Entry("python/jinja_templates.py", "templates", ("Jinja2",)),
    Entry("python/pydantic_models.py", "models of input", ("pydantic",)),
    Entry("python/numba_compiled.py", "loops that are compiled, in parallel", ("numba",), advice=_COMPILES),
    Entry("python/sympy_integral.py", "symbols and caches of them", ("sympy",), advice=_FIRST_CALL),
    Entry("python/networkx_paths.py", "a graph of the load time", ("networkx",)),
    Entry("python/beautifulsoup_page.py", "a page that is parsed", ("beautifulsoup4",)),
    Entry("python/shapely_geometry.py", "geometry, an index of the load time", ("shapely",)),
    Entry("python/nltk_words.py", "words and their stems", ("nltk",)),
    Entry("python/yaml_documents.py", "YAML by libyaml", ("PyYAML",)),
    Entry("python/orjson_and_msgpack.py", "fast encoders", ("orjson", "msgpack")),
    Entry("python/zstandard_compression.py", "compression by threads", ("zstandard",)),
    Entry("python/bcrypt_passwords.py", "salted hashes", ("bcrypt",), compared="uniquely"),
    Entry("python/jwt_tokens.py", "signed tokens", ("PyJWT", "cryptography")),
    Entry("python/flask_application.py", "an application with sessions", ("Flask",)),
    Entry("python/fastapi_application.py", "an application with handlers in threads", ("fastapi", "httpx")),
    Entry("python/gevent_greenlets.py", "greenlets in a patched standard library", ("gevent",)),
    Entry("python/uvloop_tasks.py", "an event loop of libuv, a child", ("uvloop",)),
    Entry("python/psutil_process.py", "what a function reads of its process", ("psutil",)),
    Entry("python/openpyxl_workbook.py", "a spreadsheet", ("openpyxl",)),
    Entry("python/reportlab_invoice.py", "a document in PDF", ("reportlab",)),
    Entry("python/grpc_server_and_client.py", "a server and its client in one request", ("grpcio",)),
    Entry("python/spacy_words.py", "a pipeline of the load time, with rules", ("spacy",)),
    Entry(
        "python/opentelemetry_spans.py",
        "traces that a thread exports",
        ("opentelemetry-sdk",),
        compared="uniquely",
        advice="have them [sent before the restore](uniqueness.md#before-a-restore), as here",
    ),
)

DATABASES = (
    Entry(
        "python/psycopg_orders.py",
        "a connection of the load time",
        ("psycopg",),
        servers=("postgresql",),
        replaced=_SHUT,
        advice=_HOOK,
    ),
    Entry("python/psycopg_hook.py", "a connection that a hook opens", ("psycopg",), servers=("postgresql",)),
    Entry(
        "python/psycopg_pool_orders.py",
        "a pool of connections, with threads, that a hook fills anew",
        ("psycopg", "psycopg-pool"),
        servers=("postgresql",),
        advice="register `pool.drain` as a hook, as here",
    ),
    Entry(
        "python/sqlalchemy_postgresql.py",
        "objects, a pool that keeps a connection",
        ("SQLAlchemy", "psycopg"),
        servers=("postgresql",),
    ),
    Entry(
        "python/pymysql_orders.py",
        "a connection of the load time",
        ("PyMySQL",),
        servers=("mysql",),
        replaced=_SHUT,
        advice=_HOOK,
    ),
    Entry("python/redis_cart.py", "a client of the load time, a pipeline", ("redis",), servers=("redis",)),
    Entry("nodejs/pg_pool.js", "a pool of connections", ("pg",), servers=("postgresql",)),
    Entry("nodejs/mysql2_pool.js", "a pool of connections", ("mysql2",), servers=("mysql",), advice=_LATE),
    Entry(
        "nodejs/ioredis_cart.js",
        "a client of the load time, a pipeline",
        ("ioredis",),
        servers=("redis",),
        advice=_LATE,
    ),
)

PROGRAMS = (
    Entry("python/git_history.py", "a repository that is made and read", programs=("git",)),
    Entry("python/ffmpeg_frames.py", "a film that is made and read", programs=("ffmpeg",)),
    Entry("python/imagemagick_picture.py", "a picture that is drawn and scaled", programs=("imagemagick",)),
    Entry(
        "python/tesseract_words.py",
        "words in a picture that are read",
        programs=("tesseract", "imagemagick"),
    ),
    Entry(
        "python/chromium_page.py",
        "a page that a browser renders",
        programs=("chromium",),
        warmup=(),
        replaced=_BROWSER,
    ),
    Entry("programs/shell_counter.sh", "variables, files, children", programs=("bash",)),
    Entry("programs/perl_words.pl", "a hash, expressions, a child", programs=("perl",)),
    Entry("programs/ruby_orders.rb", "globals, fibers, threads, a child", programs=("ruby",)),
    Entry("programs/php_cart.php", "static variables, generators, files, a child", programs=("php",)),
    Entry("programs/go_workers.go", "goroutines, an HTTP server and its client", programs=("go",)),
    Entry("programs/rust_words/Cargo.toml", "threads of rayon, a map, an expression", programs=("cargo",)),
    Entry("programs/bun_words.js", "a map, a server and its client, in Bun", ("bun",)),
    Entry("programs/JavaPool.java", "a pool of threads, parallel streams", programs=("java",)),
    Entry(
        "programs/JavaHeap.java",
        "garbage, soft references, cleaners, a timer, with the collector G1",
        programs=("java",),
        options=("-Xmx256m", "-XX:+UseG1GC", "-XX:-UsePerfData"),
    ),
)

NODE_ITSELF = (
    Entry("nodejs/worker_threads.js", "a thread of the request, shared memory"),
    Entry("nodejs/kept_worker.js", "a thread of the load time"),
    Entry("nodejs/ended_worker.js", "a thread of the load time that ends in the request", warmup=()),
    Entry("nodejs/child_processes.js", "`execFile`, `execSync`, `spawn`, `fork`"),
    Entry("nodejs/file_streams.js", "files by streams, compressed"),
    Entry("nodejs/file_watching.js", "a folder that is watched (`fs.watch`)", warmup=(), advice=_NO_WATCH),
    Entry("nodejs/compression.js", "zlib and Brotli by threads"),
    Entry("nodejs/password_hashes.js", "hashes, derived keys, ciphers, signatures"),
    Entry("nodejs/random_identifiers.js", "`Math.random`, `crypto`", compared="uniquely"),
    Entry("nodejs/http_keep_alive.js", "a server, and an agent that keeps connections"),
    Entry("nodejs/fetch_local.js", "`fetch` from a server of the load time"),
    Entry("nodejs/timers_and_events.js", "an interval of the load time, listeners that stay"),
    Entry("nodejs/async_context.js", "contexts, generators, streams of the web"),
    Entry("nodejs/webassembly.js", "memory of WebAssembly that grows"),
    Entry("nodejs/vm_contexts.js", "contexts, prototypes and environment that are changed"),
    Entry("nodejs/tcp_and_unix_sockets.js", "servers and their clients"),
)

NODE_PACKAGES = (
    Entry("nodejs/express_application.js", "an application that listens since the load time", ("express",)),
    Entry("nodejs/fastify_application.js", "an application that is asked in memory", ("fastify",)),
    Entry("nodejs/axios_client.js", "a client, a refused connection", ("axios",)),
    Entry("nodejs/undici_pool.js", "a pool of connections", ("undici",)),
    Entry("nodejs/ws_messages.js", "a WebSocket server and its client", ("ws",)),
    Entry("nodejs/piscina_pool.js", "a pool that ends idle threads", ("piscina",)),
    Entry("nodejs/libsql_database.js", "SQLite by a native module", ("libsql",)),
    Entry("nodejs/sql_js_database.js", "SQLite as WebAssembly", ("sql.js",)),
    Entry("nodejs/bcrypt_passwords.js", "salted hashes by threads", ("bcrypt",), compared="uniquely"),
    Entry("nodejs/sharp_picture.js", "a picture, by threads", ("sharp",)),
    Entry("nodejs/uuid_identifiers.js", "identifiers", ("uuid",), compared="uniquely"),
    Entry("nodejs/nanoid_identifiers.js", "short identifiers", ("nanoid",), compared="uniquely"),
    Entry("nodejs/bson_identifiers.js", "object identifiers", ("bson",), compared="uniquely"),
    Entry("nodejs/lodash_collections.js", "collections, a memory of results", ("lodash",)),
    Entry("nodejs/cheerio_page.js", "a page that is parsed", ("cheerio",)),
    Entry("nodejs/handlebars_page.js", "a template, a helper that is registered", ("handlebars",)),
    Entry("nodejs/ajv_schema.js", "schemas that are compiled", ("ajv",)),
    Entry("nodejs/dayjs_dates.js", "dates, plug-ins that change the library", ("dayjs",)),
    Entry("nodejs/pino_log.js", "log records that a thread writes", ("pino",)),
    Entry("nodejs/jsonwebtoken_tokens.js", "signed tokens", ("jsonwebtoken",)),
    Entry("nodejs/grpc_server_and_client.js", "a server and its client in one request", ("@grpc/grpc-js",)),
    Entry("nodejs/protobufjs_messages.js", "messages of a protocol", ("protobufjs",)),
    Entry("nodejs/pdfkit_invoice.js", "a document in PDF", ("pdfkit",)),
    Entry("nodejs/exceljs_workbook.js", "a spreadsheet", ("exceljs",)),
    Entry(
        "nodejs/puppeteer_page.js",
        "a browser that is driven",
        ("puppeteer-core",),
        ("chromium",),
        warmup=(),
        replaced=_BROWSER,
    ),
)

GROUPS: dict[str, tuple[Entry, ...]] = {
    "Python itself": PYTHON_ITSELF,
    "Libraries of Python": PYTHON_LIBRARIES,
    "Node itself": NODE_ITSELF,
    "Packages of Node": NODE_PACKAGES,
    "Databases": DATABASES,
    "Programs and other languages": PROGRAMS,
}
ENTRIES: tuple[Entry, ...] = tuple(entry for group in GROUPS.values() for entry in group)
