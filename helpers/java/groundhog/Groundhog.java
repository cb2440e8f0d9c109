package groundhog;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Serves a function over ActionLoop, with random numbers that no other request got.
 *
 * <pre>{@code
 * public static void main(String[] arguments) {
 *     Groundhog.serve(request -> "{\"id\":\"" + UUID.randomUUID() + "\"}");
 * }
 * }</pre>
 *
 * <p>After each request Groundhog reverts the process to its snapshot, and with it the state of every generator of
 * random numbers. With each request it sends new ones, from which those of the JDK are seeded before the function is
 * called; those that the function made itself are seeded, too, if it said {@link #reseed}. A generator within the JDK
 * that cannot be reached keeps the process from serving: start it with
 * {@code java --add-opens=java.base/java.lang=ALL-UNNAMED}.
 *
 * <p>Java 11 or newer; nothing but its standard library.
 */
public final class Groundhog {
    /** What a request is answered with. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Answers one request.
         *
         * @param request the line of JSON, an object whose member "value" holds the parameters
         * @return an object or array in JSON
         * @throws Exception whatever goes wrong: its message becomes the caller's answer
         */
        String answer(String request) throws Exception;
    }

    /** What is done at a certain moment. If it throws, the process ends: its state is not what it should be. */
    @FunctionalInterface
    public interface Hook {
        /**
         * Does it.
         *
         * @throws Exception whatever goes wrong
         */
        void run() throws Exception;
    }

    // Of a request line: "@", 32 random bytes and the time in nanoseconds, and the token that the answer repeats.
    private static final int SEED = 1;
    private static final int TOKEN = SEED + 80;
    private static final int REQUEST = TOKEN + 32;
    private static final String CONTROL = "{\"groundhog\":"; // not for the function
    private static final String FINISH = "{\"groundhog\":\"finish\"";
    private static final String PREPARE = "{\"groundhog\":\"prepare\"";
    private static final String RAISED = " "; // after an answer: that was thrown, not returned
    private static final int ANSWER_FD = 3;

    private static final List<Hook> BEFORE_SNAPSHOT = Collections.synchronizedList(new ArrayList<>());
    private static final List<Hook> BEFORE_RESTORE = Collections.synchronizedList(new ArrayList<>());
    private static final List<Hook> AFTER_RESTORE = Collections.synchronizedList(new ArrayList<>());
    private static final Generators GENERATORS = new Generators();

    private final Handler handler;
    private final Lines lines = new Lines(new FileInputStream(FileDescriptor.in));
    private final OutputStream answers;
    private List<Hook> afterRestore = List.of();

    private Groundhog(Handler handler) throws ReflectiveOperationException {
        this.handler = handler;
        // Not through /proc: a process that runs as another user may not open the pipe anew.
        Class<FileDescriptor> type = FileDescriptor.class;
        Constructor<FileDescriptor> descriptor = Private.accessible(type, type.getDeclaredConstructor(int.class));
        answers = new FileOutputStream(descriptor.newInstance(ANSWER_FD));
    }

    /**
     * Answers requests until there are no more. Call it once everything is loaded.
     *
     * @param handler what answers them
     */
    public static void serve(Handler handler) {
        try {
            new Groundhog(handler).run();
        } catch (Throwable broken) {
            broken.printStackTrace();
            System.err.println("groundhog.Groundhog: " + broken); // the last line is what callers are told
            flush();
            Runtime.getRuntime().halt(1); // no hook for the shutdown may keep this process
        }
    }

    /**
     * Has a generator of the function seeded before each request. Others that it made before the snapshot repeat.
     *
     * @param <R> its type
     * @param generator a {@code Random} or {@code SecureRandom} that takes seeds; one that takes none ends the process
     * @return the same
     */
    public static <R extends Random> R reseed(R generator) {
        GENERATORS.add(generator);
        return generator;
    }

    /**
     * Has something done before the snapshot, before what was registered earlier: closing connections, say.
     *
     * @param hook what to do
     */
    public static void beforeSnapshot(Hook hook) {
        BEFORE_SNAPSHOT.add(hook);
    }

    /**
     * Has something done after each response, before what the request left is reverted, and before what was
     * registered earlier: sending what waits in a queue, say. If it throws, the log says so, and the process is
     * reverted as ever.
     *
     * @param hook what to do
     */
    public static void beforeRestore(Hook hook) {
        BEFORE_RESTORE.add(hook);
    }

    /**
     * Has something done after each restore, before the request, and after what was registered earlier.
     *
     * @param hook what to do
     */
    public static void afterRestore(Hook hook) {
        AFTER_RESTORE.add(hook);
    }

    private void run() throws Exception {
        System.setIn(InputStream.nullInputStream()); // the requests are not for the function to read
        GENERATORS.find();
        flush();
        if (System.getenv("OW_WAIT_FOR_ACK") != null) {
            write("{\"ok\":true,\"groundhog\":1}");
        }
        for (String line; (line = lines.read()) != null; ) {
            String answer = answer(line);
            flush();
            write(answer);
        }
    }

    private String answer(String line) throws Exception {
        String token = "";
        String request = line;
        if (line.startsWith("@")) {
            token = line.substring(TOKEN, REQUEST);
            request = line.substring(REQUEST);
            GENERATORS.reseed(line.substring(SEED, TOKEN));
            if (!afterRestore.isEmpty()) {
                runHooks();
            }
        }
        if (request.startsWith(PREPARE)) {
            return prepare() + token;
        }
        if (request.startsWith(FINISH)) {
            return finish() + token;
        }
        return (request.startsWith(CONTROL) ? "{}" : call(request)) + token;
    }

    private String call(String request) {
        try {
            String answer = handler.answer(request);
            if (answer == null) {
                throw new NullPointerException("the function's answer is null");
            }
            return answer.replace('\n', ' '); // only white space between tokens: strings have theirs escaped
        } catch (Throwable thrown) {
            thrown.printStackTrace();
            String message = thrown.getMessage() == null ? thrown.toString() : thrown.getMessage();
            return "{\"error\":" + quoted(message) + "}" + RAISED;
        }
    }

    /** One that fails ends the process, which is not fit to serve. */
    private void runHooks() throws IOException {
        List<Hook> due = afterRestore;
        afterRestore = List.of(); // the next restore brings them back
        try {
            for (Hook hook : due) {
                hook.run();
            }
        } catch (Throwable failed) {
            failed.printStackTrace();
            flush();
            write("{\"groundhog\":\"hook\",\"error\":" + quoted(failed.toString()) + "}");
            Runtime.getRuntime().halt(1);
        }
        answers.write(' '); // they are done
    }

    private String prepare() throws Exception {
        List<Hook> due = new ArrayList<>(List.copyOf(BEFORE_SNAPSHOT));
        Collections.reverse(due);
        try {
            for (Hook hook : due) {
                hook.run();
            }
        } catch (Throwable failed) {
            failed.printStackTrace();
            flush();
            return "{\"ok\":false,\"error\":" + quoted("a hook before the snapshot failed: " + failed) + "}";
        }
        afterRestore = List.copyOf(AFTER_RESTORE);
        GENERATORS.find();
        return "{\"ok\":true,\"hooks\":" + !afterRestore.isEmpty()
                + ",\"before_restore\":" + !BEFORE_RESTORE.isEmpty() + "}";
    }

    /** All of them have their turn, whatever goes wrong. */
    private static String finish() {
        List<Hook> due = new ArrayList<>(List.copyOf(BEFORE_RESTORE));
        Collections.reverse(due);
        StringBuilder wrong = new StringBuilder();
        for (Hook hook : due) {
            try {
                hook.run();
            } catch (Throwable failed) {
                failed.printStackTrace();
                wrong.append(wrong.length() == 0 ? "" : "; ").append(failed);
            }
        }
        return wrong.length() == 0 ? "{\"ok\":true}" : "{\"ok\":false,\"error\":" + quoted(wrong.toString()) + "}";
    }

    private void write(String line) throws IOException {
        answers.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** All that the function printed is in the pipes before its answer is. */
    private static void flush() {
        System.out.flush();
        System.err.flush();
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }

    /** Lines of UTF-8, read without reading ahead of what has come. */
    private static final class Lines {
        private final InputStream input;
        private byte[] buffer = new byte[8192]; // what the JDK reads without allocating memory for it
        private int filled;

        Lines(InputStream input) {
            this.input = input;
        }

        /** The next one without its newline; null at the end of the input. */
        String read() throws IOException {
            for (int searched = 0; ; ) {
                for (; searched < filled; searched++) {
                    if (buffer[searched] == '\n') {
                        String line = new String(buffer, 0, searched, StandardCharsets.UTF_8);
                        filled -= searched + 1;
                        System.arraycopy(buffer, searched + 1, buffer, 0, filled);
                        return line;
                    }
                }
                if (filled == buffer.length) {
                    buffer = Arrays.copyOf(buffer, 2 * filled);
                }
                int count = input.read(buffer, filled, buffer.length - filled);
                if (count < 0) {
                    return null;
                }
                filled += count;
            }
        }
    }

    /** The way to what is private in the JDK. */
    private static final class Private {
        private Private() {}

        /** That field of that class; opening the package `java.lang` lets us open the others. */
        static Field field(Class<?> owner, String name) throws ReflectiveOperationException {
            return accessible(owner, owner.getDeclaredField(name));
        }

        static <M extends AccessibleObject> M accessible(Class<?> owner, M member) throws ReflectiveOperationException {
            Module ours = Groundhog.class.getModule();
            Module theirs = owner.getModule();
            if (!Object.class.getModule().isOpen("java.lang", ours)) {
                throw new IllegalStateException("random numbers of the JDK would repeat: start java with "
                        + "--add-opens=java.base/java.lang=" + (ours.isNamed() ? ours.getName() : "ALL-UNNAMED"));
            }
            if (!theirs.isOpen(owner.getPackageName(), ours)) {
                Method open = Module.class.getDeclaredMethod("implAddOpens", String.class, Module.class);
                open.setAccessible(true);
                open.invoke(theirs, owner.getPackageName(), ours);
            }
            member.setAccessible(true);
            return member;
        }
    }

    /** The generators that a revert would let repeat themselves. */
    private static final class Generators {
        /** Where those of the JDK are: a class, its static field. */
        private static final String[][] HIDDEN = {
            {"java.lang.Math$RandomNumberGeneratorHolder", "randomNumberGenerator"},
            {"java.lang.StrictMath$RandomNumberGeneratorHolder", "randomNumberGenerator"},
            {"java.util.Collections", "r"}, // of shuffle
            {"java.util.Random", "seedUniquifier"}, // of `new Random()`, beside the time
            {"java.util.SplittableRandom", "defaultGen"}, // of `new SplittableRandom()`
            {"java.util.concurrent.ThreadLocalRandom", "seeder"}, // of threads that do not draw yet
            {"sun.security.provider.SecureRandom$SeederHolder", "seeder"}, // of a new SHA1PRNG
            {"sun.security.provider.AbstractDrbg$SeederHolder", "seeder"}, // of a new DRBG
        };
        /** Likewise, from Java 17 on, what seeds those that `RandomGenerator.of` makes. */
        private static final String[] ALGORITHMS = {
            "L32X64MixRandom", "L64X128MixRandom", "L64X128StarStarRandom", "L64X256MixRandom", "L64X1024MixRandom",
            "L128X128MixRandom", "L128X256MixRandom", "L128X1024MixRandom",
            "Xoroshiro128PlusPlus", "Xoshiro256PlusPlus",
        };
        /** Each keeps for all its instances what it read of the kernel's random numbers, and gives it for 100 ms. */
        private static final String[] NATIVE = {"NativePRNG", "NativePRNGBlocking", "NativePRNGNonBlocking"};

        private final List<Seeded> own = new ArrayList<>();
        private List<Seeded> found = List.of();
        private Thread[] threads = {};
        private Field threadSeed;
        private MessageDigest digest;

        /** Takes a seed of 32 bytes. */
        private interface Seeded {
            void seed(byte[] seed) throws Exception;
        }

        synchronized void add(Random generator) {
            own.add(seeded(generator));
        }

        /** Looks for those of the JDK. */
        synchronized void find() throws Exception {
            digest = MessageDigest.getInstance("SHA-256");
            found = new ArrayList<>();
            for (String[] name : HIDDEN) {
                addHidden(Class.forName(name[0]), name[1]);
            }
            for (String algorithm : ALGORITHMS) {
                addAlgorithm(algorithm);
            }
            addNative();
            threadSeed = Private.field(Thread.class, "threadLocalRandomSeed");
            threads = Thread.getAllStackTraces().keySet().toArray(new Thread[0]);
        }

        /** Makes all that they give from now on depend on these digits. */
        synchronized void reseed(String digits) throws Exception {
            byte[] entropy = digits.getBytes(StandardCharsets.US_ASCII);
            int index = 0;
            for (Seeded generator : found) {
                generator.seed(derived(entropy, index++));
            }
            for (Seeded generator : own) {
                generator.seed(derived(entropy, index++));
            }
            for (Thread thread : threads) {
                threadSeed.setLong(thread, number(derived(entropy, index++)));
            }
        }

        private void addHidden(Class<?> owner, String name) throws ReflectiveOperationException {
            Object generator = Private.field(owner, name).get(null);
            if (generator instanceof Random) {
                found.add(seeded((Random) generator));
            } else if (generator instanceof AtomicLong) {
                found.add(seed -> ((AtomicLong) generator).set(number(seed)));
            } else if (generator != null) { // else it is made, and seeded by the time, when it is first needed
                addService(generator);
            }
        }

        private void addService(Object generator) throws ReflectiveOperationException {
            for (Class<?> type = generator.getClass(); type != null; type = type.getSuperclass()) {
                for (Method method : type.getDeclaredMethods()) {
                    if (method.getName().equals("engineSetSeed")) {
                        Private.accessible(type, method);
                        found.add(seed -> method.invoke(generator, seed));
                        return;
                    }
                }
            }
            Field[] captured = generator.getClass().getDeclaredFields(); // of a lambda, which draws from it
            if (captured.length != 1) {
                throw new NoSuchMethodException(generator.getClass() + " takes no seed");
            }
            addService(Private.accessible(generator.getClass(), captured[0]).get(generator));
        }

        private void addAlgorithm(String name) throws ReflectiveOperationException {
            Class<?> algorithm = Class.forName(Object.class.getModule(), "jdk.internal.random." + name);
            Module module = ModuleLayer.boot().findModule("jdk.random").orElse(null); // where older ones have them
            if (algorithm == null && module != null) {
                algorithm = Class.forName(module, "jdk.random." + name);
            }
            if (algorithm != null) {
                addHidden(algorithm, name.equals("Xoshiro256PlusPlus") ? "DEFAULT_GEN" : "defaultGen");
            }
        }

        private void addNative() throws GeneralSecurityException {
            String standard = new SecureRandom().getAlgorithm();
            if (!List.of(NATIVE).contains(standard)) {
                throw new IllegalStateException("random numbers of the JDK's " + standard + " would repeat: "
                        + "let the default of SecureRandom be NativePRNG, as it is without -Djava.security.egd");
            }
            for (String name : NATIVE) {
                SecureRandom generator = SecureRandom.getInstance(name);
                generator.setSeed(new byte[1]); // mixes what it reads with a generator of its own from now on
                found.add(generator::setSeed);
            }
        }

        private static Seeded seeded(Random generator) {
            if (generator instanceof SecureRandom) {
                return ((SecureRandom) generator)::setSeed;
            }
            return seed -> generator.setSeed(number(seed));
        }

        /** A seed for each generator: two of a kind may not give the same. */
        private byte[] derived(byte[] entropy, int index) {
            digest.update(entropy);
            return digest.digest(ByteBuffer.allocate(Integer.BYTES).putInt(index).array());
        }

        private static long number(byte[] seed) {
            return ByteBuffer.wrap(seed).getLong();
        }
    }
}
