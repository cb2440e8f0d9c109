// A template that is compiled in the request, and a helper that it registers.
const handlebars = require("handlebars");

exports.main = ({ n }) => {
  const registered = Object.keys(handlebars.helpers).includes("loud");
  handlebars.registerHelper("loud", (text) => `${text}!`);
  const page = handlebars.compile("{{#each items}}<li>{{loud this}}</li>{{/each}}");
  return { registered, page: page({ items: Array.from({ length: n }, (_, i) => `<${i}>`) }) };
};
