module.exports = require("shapes");
