import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Static collections, system properties, thread-locals, interned strings' identity hashes, the default locale. */
final class Statics extends Victim {
    private static final List<String> FINDINGS = new ArrayList<>();
    private static final Map<String, String> CACHE = new HashMap<>();
    private static final ThreadLocal<String> LOCAL = new ThreadLocal<>();

    @Override
    String handle(String secret) {
        String seen = String.format(
                "{\"findings\":%d,\"cache\":%d,\"local\":%b,\"property\":%b,\"language\":\"%s\"}",
                FINDINGS.size(), CACHE.size(), LOCAL.get() != null, System.getProperty("victim") != null,
                java.util.Locale.getDefault().getLanguage());
        FINDINGS.add(secret);
        CACHE.put(secret, secret);
        LOCAL.set(secret);
        System.setProperty("victim", secret);
        java.util.Locale.setDefault(java.util.Locale.FRENCH);
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new Statics().run();
    }
}
