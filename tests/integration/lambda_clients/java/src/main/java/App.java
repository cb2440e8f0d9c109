import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A function by AWS's client for Java that remembers its callers. */
public class App implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  private static final List<Object> SEEN = new ArrayList<>();

  @Override
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    SEEN.add(event.get("name"));
    if (event.get("raise") != null) {
      throw new IllegalStateException(event.get("raise").toString());
    }
    return Map.of("seen", SEEN);
  }
}
